using System.Text;
using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class SamplingStopTests
{
    [Theory]
    [InlineData("hello STOP world", "hello ", "STOP")]
    [InlineData("hello STO", "hello STO", null)]
    [InlineData("xabcaby", "x", "abcaby")]
    [InlineData("xabcabz", "xabcabz", null)]
    [InlineData("aaab", "a", "aab")]
    [InlineData("STSTOP", "ST", "STOP")]
    public void A_stop_string_and_what_follows_are_left_out(string text, string expected, string? match)
    {
        var output = new StringBuilder();
        var matcher = new StopTextMatcher(["STOP", "abcaby", "aab"]);
        matcher.Push(text, output);
        matcher.Push(" more", match is null ? new StringBuilder() : output);
        Assert.Equal((expected, match), (match is null ? text : output.ToString(), matcher.Matched));
    }

    [Fact]
    public void Text_that_may_begin_a_stop_string_is_held_back()
    {
        var output = new StringBuilder();
        var matcher = new StopTextMatcher(["</answer>"]);
        Assert.False(matcher.Push("42</ans", output));
        Assert.Equal("42", output.ToString());
        Assert.False(matcher.Push("x", output));
        Assert.Equal("42</ansx", output.ToString());
        matcher.Push("<", output);
        matcher.Finish(output);
        Assert.Equal("42</ansx<", output.ToString());
    }

    [Fact]
    public void Without_stop_strings_nothing_is_held_back()
    {
        var output = new StringBuilder();
        Assert.False(new StopTextMatcher([]).Push("abc", output));
        Assert.Equal("abc", output.ToString());
    }

    [Fact]
    public void The_first_complete_stop_string_is_found_for_any_pieces()
    {
        var word = Gen.String[Gen.Char["ab<"], 1, 4];
        Gen.Select(Gen.String[Gen.Char["ab<"], 0, 40], word.Array[0, 4], Gen.Int[1, 5]).Sample(
            (text, stops, size) =>
            {
                var (expected, match) = FindNaively(text, stops);
                var output = new StringBuilder();
                var matcher = new StopTextMatcher(stops);
                foreach (var piece in text.Chunk(size))
                {
                    matcher.Push(piece, output);
                }

                matcher.Finish(output);
                Assert.Equal((expected, match), (output.ToString(), matcher.Matched));
            },
            iter: 5000);
    }

    [Fact]
    public void Certain_tokens_in_a_row_stop_a_generation()
    {
        var stop = new RepetitionStop(3, 0.99);
        double[] probabilities = [0.995, 0.999, 0.5, 1.0, 0.991, 0.992];
        Assert.Equal([false, false, false, false, false, true], probabilities.Select(p => stop.Add(Math.Log(p))));
        var off = new RepetitionStop(0, 0.99);
        Assert.All(Enumerable.Range(0, 10), _ => Assert.False(off.Add(0)));
        Assert.False(new RepetitionStop(1, 0.99).Add(Math.Log(0.99)));
    }

    [Fact]
    public void A_used_up_thinking_budget_forces_the_closing_message()
    {
        var budget = new ThinkingBudget(3, [70, 71]);
        bool[] thinking = [false, true, true, true, true, true, false, true];
        Assert.Equal([-1, -1, -1, -1, 70, 71, -1, -1], thinking.Select(t => budget.TryForce(t, out var id) ? id : -1));
        Assert.Equal(3, budget.Used);
        Assert.True(budget.IsClosing);
    }

    [Fact]
    public void Thinking_that_ends_in_time_is_left_alone()
    {
        var budget = new ThinkingBudget(3, [70]);
        bool[] thinking = [true, true, true, false, false, false];
        Assert.All(thinking, t => Assert.False(budget.TryForce(t, out _)));
        var off = new ThinkingBudget(null, [70]);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.False(off.TryForce(true, out _)));
        Assert.True(new ThinkingBudget(0, [70]).TryForce(true, out var id));
        Assert.Equal(70, id);
    }

    private static (string Text, string? Match) FindNaively(string text, string[] stops)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var match = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length);
            if (match is not null)
            {
                return (text[..(end - match.Length)], match);
            }
        }

        return (text, null);
    }
}
