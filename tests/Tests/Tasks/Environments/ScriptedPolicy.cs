using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

/// <summary>A policy that generates the turns which the test wrote, as an engine would: token by token, with log-probabilities and the token that ends a turn.</summary>
internal sealed class ScriptedPolicy(IEnumerable<ChatMessage> turns)
{
    public static Tokenizer Tokenizer { get; } = Tokenizer.Load(RandomTiny.Folder);

    private readonly Queue<ChatMessage> turns = new(turns);

    /// <summary>The prompts that it was given.</summary>
    public List<int[]> Prompts { get; } = [];

    public ValueTask<Completion> Generate(ReadOnlyMemory<int> prompt, SamplingParams sampling, CancellationToken cancellationToken)
    {
        Prompts.Add(prompt.ToArray());
        var rendered = ChatRenderer.Render(new Conversation([turns.Dequeue()]) { AddGenerationPrompt = false }, ChatDialect.Repaired, ReasoningHistory.Keep);
        var text = string.Concat(rendered.Segments.Where(segment => segment is { InLoss: true, Kind: ChatSegmentKind.Plain }).Select(segment => segment.Text));
        Assert.True(Tokenizer.TryGetSpecial("<end_of_sentence>", out var end));
        int[] ids = [.. Tokenizer.Encode(text), end];
        return ValueTask.FromResult(new Completion(ids, [.. ids.Select((_, i) => -0.25 * (i + 1))], text, FinishReason.Stop, 0));
    }

    public static ChatMessage Call(string tool, params (string Name, string Value)[] arguments)
    {
        var json = new JsonObject();
        foreach (var (name, value) in arguments)
        {
            json[name] = value;
        }

        return ChatMessage.Assistant("", "I look it up.", [new ToolCall(null, tool, json.ToJsonString())]);
    }
}
