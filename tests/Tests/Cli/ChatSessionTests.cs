using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Cli;

public sealed class ChatSessionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-chat-").FullName;
    private readonly InferenceEngine engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });

    public void Dispose()
    {
        engine.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Questions_are_answered_and_remembered()
    {
        var (session, output, _) = Talk("hello\n\nand again\n/exit\nnot reached\n");
        using (session)
        {
            Assert.Equal(["user", "assistant", "user", "assistant"], session.Messages.Select(message => message.Role));
            Assert.Equal("and again", session.Messages[2].Content.ToString());
            Assert.NotEqual(string.Empty, output.Trim());
        }
    }

    [Fact]
    public void A_saved_conversation_with_system_prompt_can_be_loaded()
    {
        var file = Path.Combine(folder, "talk.json");
        var (first, _, _) = Talk($"/system Antworte kurz. 简短\nhello\n/save {file}\n");
        var (second, output, error) = Talk($"/load {file}\n/system\nmore\n");
        using (first)
        using (second)
        {
            Assert.Contains("Antworte kurz. 简短", output, StringComparison.Ordinal);
            Assert.Contains("简短", File.ReadAllText(file), StringComparison.Ordinal);
            Assert.Equal(first.Messages.Select(m => m.Content.ToString()), second.Messages.Take(2).Select(m => m.Content.ToString()));
            Assert.Equal(4, second.Messages.Count);
            Assert.DoesNotContain("cannot", error, StringComparison.Ordinal);
            Assert.Equal([file], Directory.GetFiles(folder));
        }
    }

    [Fact]
    public void A_conversation_that_was_loaded_goes_on_with_right_answers()
    {
        using var nano = InferenceEngine.Open(M1Nano.Folder, new ModelOptions { Threads = 1 });
        var file = Path.Combine(folder, "sums.json");
        string Answers(string lines)
        {
            using var output = new StringWriter();
            using var session = new ChatSession(nano, new SamplingParams { MaxTokens = 300, Temperature = 0 }, new StringReader(lines), output, TextWriter.Null, isTerminal: false);
            session.Run();
            return output.ToString();
        }

        Assert.Contains("\\boxed{132}", Answers($"What is 47 + 85?\n/save {file}\n"), StringComparison.Ordinal);
        Assert.Contains("\\boxed{73}", Answers($"/load {file}\nCompute 90 - 17.\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/foo", "no command")]
    [InlineData("/think perhaps", "/think takes")]
    [InlineData("/load", "needs a file")]
    [InlineData("/load /no/such/file", "cannot be read")]
    [InlineData("/save /no/such/folder/file.json", "cannot be written")]
    public void A_bad_command_says_why_and_the_conversation_goes_on(string command, string message)
    {
        var (session, _, error) = Talk($"{command}\nhello\n");
        using (session)
        {
            Assert.Contains(message, error, StringComparison.Ordinal);
            Assert.Equal(2, session.Messages.Count);
        }
    }

    [Fact]
    public void Stopping_ends_the_answer_not_the_session()
    {
        using var output = new SignalWriter();
        using var session = new ChatSession(
            engine, new SamplingParams { MaxTokens = 4000, IgnoreEos = true, Seed = 1 }, new StringReader("hello\n/think 3\n"), output, TextWriter.Null, isTerminal: false);
        Assert.False(session.StopAnswer());
        output.OnText = () => session.StopAnswer();
        session.Run();
        Assert.Equal(2, session.Messages.Count);
        Assert.True(session.Messages[1].Content.ToString().Length < 2000);
    }

    [Fact]
    public void Control_characters_of_an_answer_cannot_reach_the_terminal() =>
        Assert.Equal("a\uFFFD[2Jb\n\tc", AnswerWriter.Visible("a\e[2Jb\n\tc"));

    private (ChatSession Session, string Output, string Error) Talk(string lines)
    {
        using StringWriter output = new(), error = new();
        var session = new ChatSession(engine, new SamplingParams { MaxTokens = 6, Seed = 5 }, new StringReader(lines), output, error, isTerminal: false);
        session.Run();
        return (session, output.ToString(), error.ToString());
    }

    private sealed class SignalWriter : StringWriter
    {
        public Action OnText { get; set; } = () => { };

        public override void Write(string? value)
        {
            base.Write(value);
            OnText();
        }
    }
}
