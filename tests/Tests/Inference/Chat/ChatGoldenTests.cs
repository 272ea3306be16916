using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class ChatGoldenTests
{
    private static readonly JsonElement[] cases = ReadCases();

    public static IEnumerable<TheoryDataRow<int, string>> Cases() =>
        cases.Select((item, i) => new TheoryDataRow<int, string>(i, $"{item.GetProperty("template")}/{item.GetProperty("name")}"));

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_conversation_renders_as_the_template_does(int index, string name)
    {
        var item = cases[index];
        var dialect = item.GetProperty("template").GetString() == "m1" ? ChatDialect.Official : ChatDialect.VLlm;
        if (item.TryGetProperty("raises", out var raises))
        {
            var error = Assert.Throws<InvalidInputException>(() => ChatRenderer.Render(Conversation.Parse(item, name), dialect));
            Assert.True(error.Message.Contains("messages", StringComparison.Ordinal), $"{name} raises {raises}, but the message names no field: {error.Message}");
            return;
        }

        var rendered = ChatRenderer.Render(Conversation.Parse(item, name), dialect);
        Assert.Equal(item.GetProperty("rendered").GetString(), rendered.Text);
        Assert.Equal(rendered.Text, string.Concat(rendered.Segments.Select(segment => segment.Text)));
    }

    [Fact]
    public void The_repaired_dialect_equals_the_official_one_where_there_are_only_text_parts_and_no_tools()
    {
        var compared = 0;
        foreach (var item in cases.Where(item => item.GetProperty("template").GetString() == "m1" && item.TryGetProperty("rendered", out _)))
        {
            var conversation = Conversation.Parse(item, item.GetProperty("name").GetString()!);
            var plain = conversation.Tools is null && conversation.Messages.All(message =>
                message.Content.Kind == MessageContentKind.Parts && message.ToolCalls is null && (message.Role == "assistant" || message.Content.Parts.Count == 1));
            if (plain)
            {
                Assert.Equal(item.GetProperty("rendered").GetString(), ChatRenderer.Render(conversation, ChatDialect.Repaired).Text);
                compared++;
            }
        }

        Assert.True(compared >= 8, $"only {compared} cases compared");
    }

    private static JsonElement[] ReadCases()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("chat/golden.json")));
        return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(item => item.Clone())];
    }
}
