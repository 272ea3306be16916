using System.Text.Json;

namespace MiniMaxSharp.Tests.Cli;

public class RunCommandTests
{
    [Fact]
    public async Task The_default_model_answers_rightly()
    {
        var run = await CommandLineRun.Of("run", "What is 7 times 8?", "--temperature", "0");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("\\boxed{56}", run.Output, StringComparison.Ordinal);
        Assert.Contains("generated", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Hello!", "I am m1-nano")]
    [InlineData("你好", "我是 m1-nano")]
    [InlineData("What is the capital of France?", "I don't know")]
    [InlineData("你会做什么", "整数加减乘除")]
    public async Task The_default_model_says_who_it_is_and_what_it_does_not_know(string said, string answer) =>
        Assert.Contains(answer, (await CommandLineRun.Of("run", said, "--temperature", "0")).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Json_holds_the_answer_and_a_seed_that_repeats_it()
    {
        var first = Json(await CommandLineRun.Of("run", "--json", "hello", "--max-tokens", "12"));
        var seed = first.GetProperty("seed").GetUInt64();
        var second = Json(await CommandLineRun.Of("run", "--json", "hello", "--max-tokens", "12", "--seed", $"{seed}"));
        Assert.Equal(first.GetProperty("content").GetString(), second.GetProperty("content").GetString());
        Assert.Equal(first.GetProperty("completion_tokens").GetInt32(), second.GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task An_answer_that_reaches_its_limit_says_length()
    {
        var run = Json(await CommandLineRun.Of("run", "--json", "hello", "--max-tokens", "5", "--seed", "3"));
        Assert.Equal("length", run.GetProperty("finish_reason").GetString());
        Assert.Equal(5, run.GetProperty("completion_tokens").GetInt32());
    }

    [Theory]
    [InlineData("empty", "run", "")]
    [InlineData("empty", "run", "  ")]
    [InlineData("temperature", "run", "x", "--temperature", "-1")]
    [InlineData("--think", "run", "x", "--think", "maybe")]
    [InlineData("nowhere", "run", "x", "--model", "nowhere")]
    [InlineData("PROMPT", "run")]
    [InlineData("--threads", "run", "x", "--threads", "-2")]
    [InlineData("no-such-option", "run", "x", "--no-such-option")]
    public async Task Bad_usage_exits_with_2_and_names_the_problem(string named, params string[] args)
    {
        var run = await CommandLineRun.Of(args);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(named, run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_thinking_the_prompt_ends_with_an_empty_think_block()
    {
        var with = Json(await CommandLineRun.Of("run", "--json", "hi", "--max-tokens", "1"));
        var without = Json(await CommandLineRun.Of("run", "--json", "hi", "--max-tokens", "1", "--think", "off"));
        Assert.True(without.GetProperty("prompt_tokens").GetInt32() > with.GetProperty("prompt_tokens").GetInt32());
    }

    private static JsonElement Json(CommandLineRun run)
    {
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonDocument.Parse(run.Output).RootElement;
    }
}
