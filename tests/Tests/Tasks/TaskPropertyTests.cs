using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

/// <summary>What holds for every task: the gold answer verifies, a changed one does not, and the text follows from the seed.</summary>
public sealed class TaskPropertyTests
{
    private const int Seeds = 3;

    public static TheoryData<string> Names => [.. TaskCatalog.All.Select(task => task.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_gold_answer_verifies_at_every_level_and_survives_a_line_of_JSON(string name)
    {
        foreach (var instance in Instances(name))
        {
            var task = TaskCatalog.Get(name);
            var verdict = task.Verify(instance, $"<think>\\boxed{{not this}}</think>The answer is \\boxed{{{instance.Gold}}}.");
            Assert.True(verdict.Score == 1 && !verdict.IsError, $"level {instance.Level}, seed {instance.Seed}: {verdict.Reason}\n{instance.Prompt}\n{instance.Gold}");
            using var line = JsonDocument.Parse(instance.ToJsonLine());
            var read = TaskInstance.FromJson(line.RootElement, "a test");
            Assert.Equal((instance.Id, instance.Split, instance.Data), (read.Id, read.Split, read.Data));
            task.Validate(read);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_changed_answer_scores_0(string name)
    {
        var task = TaskCatalog.Get(name);
        foreach (var instance in Instances(name))
        {
            var random = TaskRandom.Named("mutation", instance.Seed);
            var places = Enumerable.Range(0, instance.Gold.Length).Where(i => char.IsLetterOrDigit(instance.Gold[i]) || "()[]<>".Contains(instance.Gold[i], StringComparison.Ordinal)).ToArray();
            if (name.Contains("countdown", StringComparison.Ordinal) || name == "game-of-24")
            {
                places = [.. places.Where(i => char.IsDigit(instance.Gold[i]))];
            }

            if (instance.Gold.StartsWith('('))
            {
                places = [.. places.Where(i => char.IsLetterOrDigit(instance.Gold[i]))];
            }

            if (places.Length == 0)
            {
                continue; // An answer of escaped braces alone.
            }

            var at = random.Pick(places);
            var old = instance.Gold[at];
            var other = char.IsDigit(old) ? (char)('1' + ((old - '0') % 9)) : "()[]<>".Contains(old, StringComparison.Ordinal) ? "([<"[(")]>".IndexOf(old, StringComparison.Ordinal) + 1) % 3] : old is 'q' or 'Q' ? 'z' : 'q';
            var changed = instance.Gold[..at] + other + instance.Gold[(at + 1)..];
            var verdict = task.Judge(instance, changed);
            Assert.True(verdict is { Score: 0, IsError: false }, $"level {instance.Level}, seed {instance.Seed}: {verdict.Reason}: {instance.Gold} -> {changed}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Problems_of_one_level_differ_and_grow_with_the_level(string name)
    {
        var task = TaskCatalog.Get(name);
        var sizes = new List<double>();
        for (var level = task.MinLevel; level <= task.MaxLevel; level++)
        {
            var instances = Enumerable.Range(0, 4).Select(seed => task.Sample(level, (ulong)seed + 100)).ToArray();
            Assert.True(instances.Select(instance => instance.Data).Distinct().Count() > 1, $"level {level} has one problem");
            sizes.Add(instances.Average(instance => instance.Size));
        }

        Assert.True(sizes[^1] > sizes[0], string.Join(' ', sizes));
        Assert.All(sizes.Zip(sizes.Skip(1)), pair => Assert.True(pair.Second >= pair.First * 0.8, string.Join(' ', sizes)));
    }

    [Fact]
    public void Seeds_give_the_same_text_on_every_machine()
    {
        var pinned = File.ReadAllLines(Fixtures.Golden("tasks/text-hashes.txt")).Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1]);
        var now = TaskCatalog.All.Select(task => (task.Name, Hash: TextHash(task))).ToArray();
        var wrong = now.Where(task => pinned.GetValueOrDefault(task.Name) != task.Hash).Select(task => $"{task.Name} {task.Hash}").ToArray();
        Assert.True(wrong.Length == 0, "The texts of these tasks changed. If that is meant, put these lines into Golden/tasks/text-hashes.txt:\n" + string.Join('\n', wrong));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Hostile_answers_score_0_and_take_no_time(string name)
    {
        var task = TaskCatalog.Get(name);
        var instance = task.Sample(task.MaxLevel, 5);
        task.Judge(instance, "1"); // The first call compiles.
        foreach (var reply in HostileAnswers.Replies)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var verdict = task.Verify(instance, reply);
            Assert.True(verdict is { Score: 0, IsError: false }, $"{verdict.Reason}: {reply[..Math.Min(60, reply.Length)]}");
            Assert.True(clock.ElapsedMilliseconds < 1_000, $"{clock.ElapsedMilliseconds} ms: {reply[..Math.Min(60, reply.Length)]}");
        }
    }

    private static IEnumerable<TaskInstance> Instances(string name)
    {
        var task = TaskCatalog.Get(name);
        for (var level = task.MinLevel; level <= task.MaxLevel; level++)
        {
            for (var seed = 0UL; seed < Seeds; seed++)
            {
                yield return task.Sample(level, seed, task.Languages[(int)(seed % (ulong)task.Languages.Count)]);
            }
        }
    }

    private static string TextHash(ReasoningTask task)
    {
        var text = string.Concat(task.Languages.SelectMany(language => new[] { task.MinLevel, Math.Min(3, task.MaxLevel) }.Select(level => task.Sample(level, 42, language).ToJsonLine(withReasoning: true))));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }
}
