using System.Diagnostics;
using System.Text.Json;
using CsCheck;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class AnswerCheckerTests
{
    [Fact]
    public void Judged_pairs_are_judged_the_same_way()
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var line in File.ReadLines(Fixtures.Golden("answers/judged-pairs.jsonl")))
        {
            using var pair = JsonDocument.Parse(line);
            var (gold, answer, isEqual) = (pair.RootElement[0].GetString()!, pair.RootElement[1].GetString()!, pair.RootElement[2].GetInt32() == 1);
            count++;
            if (AnswerChecker.Equal(gold, answer) != isEqual)
            {
                wrong.Add(line);
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(count >= 200);
    }

    [Fact]
    public void Hostile_answers_are_wrong_and_take_less_than_50_ms()
    {
        string[] golds = ["42", "\\frac{1}{2}", "\\{1,2,3\\}", "x^2+1", "(0,1]", "\\begin{pmatrix}1&2\\end{pmatrix}", "y=2x"];
        foreach (var reply in HostileAnswers.Replies)
        {
            foreach (var gold in golds)
            {
                var fastest = double.MaxValue;
                for (var run = 0; run < 3 && fastest > 50; run++) // Another process may take one run's time; not that of all three.
                {
                    var clock = Stopwatch.GetTimestamp();
                    Assert.False(FinalAnswer.Extract(reply) is { } answer && AnswerChecker.Equal(gold, answer), reply[..Math.Min(60, reply.Length)]);
                    fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
                }

                Assert.True(fastest < 50, $"{fastest} ms: {reply[..Math.Min(60, reply.Length)]}");
            }
        }
    }

    [Fact]
    public void Fractions_compare_as_exact_values() =>
        Gen.Select(Gen.Int[-999, 999], Gen.Int[1, 999], Gen.Int[1, 99]).Sample((n, d, factor) =>
        {
            Assert.True(AnswerChecker.Equal($"{n}/{d}", $"\\frac{{{n * factor}}}{{{d * factor}}}"));
            Assert.False(AnswerChecker.Equal($"{n}/{d}", $"\\frac{{{(n * factor) + 1}}}{{{d * factor}}}"));
        });

    [Fact]
    public void Any_text_is_judged_without_a_failure() =>
        Gen.String[Gen.Char["0123456789()[]{}\\+-*/^_=<>,.x∞π|!%frac sqt"], 0, 60].Sample(text => { _ = AnswerChecker.Equal("x^2+\\frac{1}{2}", text); }, iter: 3_000);

    [Theory]
    [InlineData("<think>\\boxed{1}</think>so \\boxed{2}", "2")]
    [InlineData("thought\\boxed{1}</think>\\boxed{3}", "3")]
    [InlineData("\\boxed{1} then \\boxed{2}", "2")]
    [InlineData("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}")]
    [InlineData("\\boxed {a\\}b}", "a\\}b")]
    [InlineData("<think>never closed \\boxed{1}", null)]
    [InlineData("\\boxed{1} and \\boxed{2", null)]
    [InlineData("the answer is 2", null)]
    public void The_last_box_after_the_thinking_is_the_answer(string reply, string? answer) => Assert.Equal(answer, FinalAnswer.Extract(reply));

    [Theory]
    [InlineData("<think>a</think>\\boxed{1}", 1)]
    [InlineData("a</think>\\boxed{1}", 1)]
    [InlineData("<think>a</think>1", 0)]
    [InlineData("\\boxed{1}", 0)]
    [InlineData("<think>a</think>\\boxed{1}\\boxed{2}", 0)]
    [InlineData("<think>a</think></think>\\boxed{1}", 0)]
    [InlineData("hello <think>a</think>\\boxed{1}", 0)]
    [InlineData("<think>a</think>\\boxed{}", 0)]
    public void The_format_is_one_closed_thought_and_one_box(string reply, double reward) => Assert.Equal(reward, FinalAnswer.FormatReward(reply));
}
