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
            missed += lines.Any(line => line.EndsWith(": no", StringComparison.Ordinal)) ? 1 : 0;
            found += lines.Any(line => line.StartsWith("Try", StringComparison.Ordinal)) ? 0 : 1;
        }

        Assert.InRange(found, 90, 100);
        Assert.InRange(missed, 20, 80);
    }

    [Fact]
    public void Numbers_are_sorted_by_placing_one_after_the_other()
    {
        var instance = TaskCatalog.Get("number-sorting").Sample(3, 4);
        var lines = instance.Reasoning!.Split('\n');
        Assert.Equal($"{lines[4].Split(':')[0]}: {instance.Gold}", lines[4]);
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
