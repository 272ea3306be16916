namespace MiniMaxSharp.Tests.Cli;

public sealed class RenderCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-render-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task The_prompt_is_printed_without_a_line_end_from_tokenizer_files_alone()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "tokenizer_config.json"), "{}", TestContext.Current.CancellationToken);
        var run = await Render("""{"messages": [{"role": "user", "content": [{"type": "text", "text": "Hé 😀"}]}], "add_generation_prompt": false}""");
        Assert.Equal((0, "<begin_of_document><beginning_of_sentence>user name=user\nHé 😀<end_of_sentence>\n", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Theory]
    [InlineData("repaired", "ai name=assistant\n")]
    [InlineData("vllm", "ai name=MiniMax AI\n")]
    public async Task The_dialect_is_an_option_and_the_assistants_turn_is_opened(string dialect, string end)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "config.json"), "{}", TestContext.Current.CancellationToken);
        var run = await Render("""{"messages": [{"role": "user", "content": "hi"}]}""", "--dialect", dialect);
        Assert.Equal(0, run.ExitCode);
        Assert.EndsWith(end, run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "hi"}]}""", "messages[0].content")]
    [InlineData("""{"messages": 5}""", "messages must be a list")]
    [InlineData("{", "not valid JSON")]
    public async Task What_the_template_refuses_is_bad_input_and_prints_nothing(string json, string expected)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "tokenizer.json"), "{}", TestContext.Current.CancellationToken);
        var run = await Render(json);
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_no_model_is_bad_input()
    {
        var empty = await Render("""{"messages": []}""");
        Assert.Equal(2, empty.ExitCode);
        Assert.Contains("holds none of tokenizer.json", empty.Error, StringComparison.Ordinal);
        var missing = await CommandLineRun.Of("render", Path.Combine(folder, "nowhere"), "--json", "x.json");
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("no such folder", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conversation_that_cannot_be_read_and_an_unknown_dialect_are_bad_input()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "config.json"), "{}", TestContext.Current.CancellationToken);
        Assert.Equal(2, (await CommandLineRun.Of("render", folder, "--json", Path.Combine(folder, "absent.json"))).ExitCode);
        Assert.Equal(2, (await Render("""{"messages": []}""", "--dialect", "chatml")).ExitCode);
    }

    private async Task<CommandLineRun> Render(string conversation, params string[] more)
    {
        var path = Path.Combine(folder, "conversation.json");
        await File.WriteAllTextAsync(path, conversation, TestContext.Current.CancellationToken);
        return await CommandLineRun.Of(["render", folder, "--json", path, .. more]);
    }
}
