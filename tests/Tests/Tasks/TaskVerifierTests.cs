using System.Text.RegularExpressions;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed partial class TaskVerifierTests
{
    [Fact]
    public void A_damaged_instance_is_an_error_and_no_wrong_answer()
    {
        var task = TaskCatalog.Get("sudoku");
        var damaged = task.Sample(1, 0) with { Data = "{}" };
        Assert.True(task.Judge(damaged, damaged.Gold).IsError);
        Assert.Throws<InvalidInputException>(() => task.Validate(damaged));
    }

    [Fact]
    public void Every_right_expression_counts_in_countdown()
    {
        var task = TaskCatalog.Get("countdown");
        var instance = task.Sample(1, 0) with { Data = """{"numbers":[2,3,4],"target":24}""" };
        Assert.All(["2*3*4", "4 × 3 × 2 = 24", "(4*2)*3", "4\\times 2\\times 3"], answer => Assert.Equal(1, task.Judge(instance, answer).Score));
        Assert.All(["24", "2*3*4*1", "6*4", "2*12", "4!", "2^3*3", "(2*3*4", "8*3+0"], answer => Assert.Equal(0, task.Judge(instance, answer).Score));
    }

    [Fact]
    public void Grids_are_read_in_several_layouts()
    {
        var task = TaskCatalog.Get("sudoku");
        var instance = task.Sample(1, 3);
        var rows = instance.Gold.Split('\n');
        Assert.All(
            [string.Join("\\\\ ", rows), string.Join("; ", rows), instance.Gold.Replace(" ", "", StringComparison.Ordinal), "[[" + string.Join("],[", rows.Select(row => row.Replace(' ', ','))) + "]]"],
            answer => Assert.Equal(1, task.Judge(instance, answer).Score));
    }

    [Fact]
    public void A_problem_has_one_part_whatever_its_language_and_the_parts_have_their_shares()
    {
        var task = TaskCatalog.Get("addition");
        var parts = Enumerable.Range(0, 1000).Select(seed => (English: task.Sample(4, (ulong)seed), Chinese: task.Sample(4, (ulong)seed, TaskLanguage.Chinese))).ToArray();
        Assert.All(parts, pair => Assert.Equal(pair.English.Split, pair.Chinese.Split));
        Assert.InRange(parts.Count(pair => pair.English.Split == TaskSplit.Sft), 550, 650);
        Assert.InRange(parts.Count(pair => pair.English.Split == TaskSplit.Evaluation), 70, 130);
    }

    [Fact]
    public void Every_equation_of_a_derivation_is_right_or_corrected_in_its_line()
    {
        foreach (var name in new[] { "addition", "subtraction", "multiplication", "division", "arithmetic-chain", "linear-equation", "fractions", "countdown" })
        {
            var task = TaskCatalog.Get(name);
            for (var seed = 0UL; seed < 60; seed++)
            {
                var reasoning = task.Sample(name == "countdown" ? 2 : 3, seed).Reasoning!;
                foreach (var line in reasoning.Split('\n').Where(line => !line.Contains("Wait", StringComparison.Ordinal)))
                {
                    foreach (Match match in Equation().Matches(line).Concat(Column().Matches(line)))
                    {
                        Assert.True(AnswerChecker.Equal(match.Groups[1].Value, match.Groups[2].Value), $"{name}, seed {seed}: {line}");
                    }
                }
            }
        }
    }

    [Fact]
    public void Many_seeds_of_the_tasks_with_derivations_are_valid()
    {
        foreach (var task in TaskCatalog.All.Where(task => task.Sample(1, 0).Reasoning is not null))
        {
            for (var seed = 0UL; seed < 200; seed++)
            {
                task.Validate(task.Sample(1 + (int)(seed % (ulong)task.MaxLevel), 1_000 + seed));
            }
        }
    }

    [Fact]
    public void Countdown_is_found_by_a_search_whose_last_line_is_the_answer()
    {
        var task = TaskCatalog.Get("countdown");
        var (found, missed) = (0, 0);
        for (var seed = 0UL; seed < 100; seed++)
        {
            var instance = task.Sample(1 + (int)(seed % 2), seed);
            var lines = instance.Reasoning!.Split('\n').Where(line => !line.StartsWith("Check", StringComparison.Ordinal)).ToArray();
            Assert.StartsWith($"{instance.Gold} = ", lines[^1], StringComparison.Ordinal);
            missed += lines.Any(line => Regex.IsMatch(line, @"^\d+: .*; (?!.* = )")) ? 1 : 0;
            found += lines.Any(line => line.StartsWith("Try", StringComparison.Ordinal)) ? 0 : 1;
        }

        Assert.InRange(found, 90, 100);
        Assert.InRange(missed, 20, 80);
    }

    [Fact]
    public void A_line_of_the_search_has_what_is_wanted_and_what_can_be_made()
    {
        var steps = new Derivation(TaskRandom.Named("test", 1), TaskLanguage.English);
        Assert.Equal(14, CountdownSearch.Run(steps, [17, 3, 4], 56)!.Value.Value);
        Assert.Equal("4: 56-4=52 +60 ÷14; +20 17-3=14 = 56÷4", steps.ToString());
        Assert.Null(CountdownSearch.Run(steps, [5, 17, 12], 56));
        Assert.Equal("12: 56-12=44 +68; +22 17-5=12 ×85", steps.ToString().Split('\n')[1]);
    }

    [Fact]
    public void Numbers_are_sorted_by_placing_one_after_the_other()
    {
        var instance = TaskCatalog.Get("number-sorting").Sample(3, 4);
        var lines = instance.Reasoning!.Split('\n');
        Assert.Equal("260: 8|2 >; 2|2 = 1|6 <; 834, 260, 216, 212, 176", lines[4]); // Behind 834, before 216: the first that it is not to stand behind.
        Assert.Equal(instance.Gold, lines[5]);
    }

    [Theory]
    [InlineData(503, 498, "5|4 >,3-8<0,13-8=5,0-9-1<0,10-9-1=0,5-4-1=0,503 - 498 = 5")]
    [InlineData(41, 46, "4|4 = 1|6 <,41 < 46, so 41 - 46 = -(46 - 41),6-1=5,4-4=0,46 - 41 = 5,41 - 46 = -5")]
    [InlineData(160, 7, "0-7<0,10-7=3,6-0-1=5,1-0=1,160 - 7 = 153")]
    public void A_difference_shows_compared_digits_and_borrows_before_it_uses_them(long a, long b, string lines)
    {
        var steps = new Derivation(TaskRandom.Named("test", 3), TaskLanguage.English); // A seed without a slip.
        Assert.Equal(a - b, ColumnMethods.Subtract(steps, a, b));
        Assert.Equal(lines, steps.ToString().Replace('\n', ','));
    }

    [Fact]
    public void A_quotient_takes_its_digits_from_multiples_that_are_compared()
    {
        var guesses = 0;
        for (var seed = 0UL; seed < 60; seed++)
        {
            var steps = new Derivation(TaskRandom.Named("test", seed), TaskLanguage.English);
            Assert.Equal(58, ColumnMethods.Divide(steps, 4350, 75));
            var lines = steps.ToString().Split('\n');
            Assert.Equal("75: 75:1, 150:2, 225:3, 300:4, 375:5, 450:6, 525:7, 600:8, 675:9", lines[0]);
            Assert.Equal(["4|350: 0", "43|50: 75:1 4|7 <: 0"], lines[1..3]);
            Assert.EndsWith("375:5 4|3 >, 450:6 4|4 = 3|5 <: 5", Sorted(lines[3]), StringComparison.Ordinal);
            Assert.EndsWith("600:8 6|6 = 0|0 = 0|0 =: 8", lines.Single(static line => line.StartsWith("600|: ", StringComparison.Ordinal)), StringComparison.Ordinal);
            Assert.Equal("4350 ÷ 75 = 58", lines[^1]);
            guesses += lines[3].StartsWith("435|0: 375:5", StringComparison.Ordinal) ? 0 : 1;
        }

        Assert.InRange(guesses, 3, 30); // A wrong guess now and then, which mends itself.

        static string Sorted(string line)
        {
            var parts = line.Split(": ");
            return string.Join(", ", parts[1].Split(", ").Order(StringComparer.Ordinal).Where(static part => part[..3] is "375" or "450")) + ": " + parts[2];
        }
    }

    [Fact]
    public void A_search_with_four_numbers_joins_no_pair_twice_in_a_way_and_ends_with_the_target()
    {
        var task = TaskCatalog.Get("countdown");
        var joins = new List<int>();
        for (var seed = 0UL; seed < 200; seed++)
        {
            var instance = task.Sample(2, seed);
            var heads = instance.Reasoning!.Split('\n').Where(static line => Regex.IsMatch(line, @"^\d+ [-+×÷] \d+ = \d+: ")).ToArray();
            Assert.Equal(heads.Length, heads.Distinct().Count());
            Assert.Equal(1, task.Judge(instance, instance.Gold).Score);
            joins.Add(heads.Length);
        }

        Assert.InRange(joins.Average(), 1.5, 3.5);
        Assert.InRange(joins.Max(), 8, 24);
    }

    [Fact]
    public void Derivations_reflect_now_and_then()
    {
        var task = TaskCatalog.Get("multiplication");
        var reasonings = Enumerable.Range(0, 200).Select(seed => task.Sample(5, (ulong)seed).Reasoning!).ToArray();
        Assert.InRange(reasonings.Count(text => text.Contains("Wait", StringComparison.Ordinal)), 10, 80);
        Assert.InRange(reasonings.Count(text => text.Contains("Check:", StringComparison.Ordinal)), 40, 100);
    }

    [GeneratedRegex(@"^(-?[\d(][\d +×÷()-]*) = (-?\d+)(?=$|,|\.)")]
    private static partial Regex Equation();

    [GeneratedRegex(@"(?<![\d.])(\d+(?:[+×÷-]\d+)+)=(-?\d+)")]
    private static partial Regex Column();
}
