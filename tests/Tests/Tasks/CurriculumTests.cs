using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class CurriculumTests
{
    private static readonly CurriculumEntry[] entries =
    [
        new("addition") { Weight = 2, Level = 2 },
        new("calculator/multiplication") { MaxLevel = 3 },
        new("order-desk") { From = 2, Ramp = 2 },
    ];

    [Fact]
    public void A_saved_state_goes_on_with_the_same_prompts()
    {
        var first = Make();
        Play(first, 0, 5);
        var state = JsonNode.Parse(first.Save().ToJsonString())!.AsObject();
        var resumed = Make();
        resumed.Restore(state);
        Assert.Equal(Play(first, 5, 6), Play(resumed, 5, 6));
        Assert.Equal(first.Save().ToJsonString(), resumed.Save().ToJsonString());
        var again = Make();
        Play(again, 0, 5);
        Assert.Equal(state.ToJsonString(), again.Save().ToJsonString());
        Assert.NotEqual(Play(Make(), 0, 2), Play(Make(seed: 8), 0, 2));
    }

    [Fact]
    public void The_order_of_the_draws_does_not_matter()
    {
        var (forward, backward) = (Make(), Make());
        string[] ids = [.. Enumerable.Range(0, 20).Select(number => forward.Draw(3, number).Id)];
        Assert.Equal(ids, Enumerable.Range(0, 20).Reverse().Select(number => backward.Draw(3, number).Id).Reverse());
        Assert.Equal(20, ids.Distinct().Count());
    }

    [Fact]
    public void Prompts_have_their_weights_their_part_and_their_turn()
    {
        var curriculum = Make();
        var names = Enumerable.Range(0, 60).Select(step => Enumerable.Range(0, 10).Select(number =>
        {
            var prompt = curriculum.Draw(step, number);
            Assert.Equal(TaskSplit.Rl, prompt.Split);
            return prompt.Name;
        }).ToArray()).ToArray();
        Assert.DoesNotContain("order-desk", names[..2].SelectMany(step => step));
        var late = names[4..].SelectMany(step => step).CountBy(name => name).ToDictionary();
        Assert.InRange(late["addition"] / 560.0, 0.44, 0.56);
        Assert.InRange(late["order-desk"] / 560.0, 0.19, 0.31);
    }

    [Fact]
    public void The_level_rises_when_the_window_is_full_and_good_and_stops_at_the_highest()
    {
        var curriculum = new Curriculum([new CurriculumEntry("addition") { MaxLevel = 3 }], new CurriculumOptions { Window = 4, RaiseAt = 0.75, DropsMastered = false });
        int[] levels = [.. Enumerable.Range(0, 13).Select(i =>
        {
            var prompt = curriculum.Draw(i, 0);
            curriculum.Record(prompt, samples: 4, right: i == 0 ? 0 : 3);
            return curriculum.LevelOf("addition");
        })];
        Assert.Equal([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3], levels);
    }

    [Fact]
    public void A_group_of_the_level_below_does_not_count_and_one_that_failed_neither()
    {
        var curriculum = new Curriculum([new CurriculumEntry("addition")], new CurriculumOptions { Window = 1 });
        var late = curriculum.Draw(0, 0);
        curriculum.Record(curriculum.Draw(0, 0), 8, 8);
        curriculum.Record(late, 8, 8);
        curriculum.Record(curriculum.Draw(0, 0), 0, 0);
        Assert.Equal(2, curriculum.LevelOf("addition"));
    }

    [Fact]
    public void Mastered_prompts_do_not_come_back_and_a_level_that_is_used_up_is_said()
    {
        var curriculum = new Curriculum([new CurriculumEntry("addition") { MaxLevel = 1 }], new CurriculumOptions());
        var seen = new HashSet<string>();
        var refused = Assert.Throws<InvalidInputException>(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                var prompt = curriculum.Draw(0, i);
                Assert.True(seen.Add(prompt.Id));
                curriculum.Record(prompt, 4, 4);
            }
        });
        Assert.Contains("no prompt of the part", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("There is no task", "nothing", 1, 1.0)]
    [InlineData("levels 13 to 12", "addition", 13, 1.0)]
    [InlineData("weight -1", "addition", 1, -1.0)]
    [InlineData("no entry of the curriculum can give the first prompt", "addition", 1, 0.0)]
    public void A_curriculum_that_cannot_work_is_refused(string message, string name, int level, double weight) =>
        Assert.Contains(
            message, Assert.Throws<InvalidInputException>(() => new Curriculum([new CurriculumEntry(name) { Level = level, Weight = weight }], new CurriculumOptions())).Message, StringComparison.Ordinal);

    [Fact]
    public void A_damaged_state_is_refused() =>
        Assert.Contains("damaged", Assert.Throws<InvalidInputException>(() => Make().Restore(new JsonObject { ["mastered"] = "x" })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(7, true)]
    [InlineData(8, false)]
    public async Task The_difficulty_filter_keeps_what_lies_strictly_between_its_bounds(int right, bool kept)
    {
        var filter = new DifficultyFilter(K: 2, Above: 0, Below: 1);
        var prompt = EnvironmentPrompt.Sample("addition", 2, 1);
        var found = await filter.Apply([prompt], samples: 8, (_, sample, _) => Task.FromResult(RolloutFileTests.Sample(sample: sample, reward: sample < right ? 1 : 0)), TestContext.Current.CancellationToken);

        // Seven of eight: two samples always hold a right one, so pass@2 is 1.
        Assert.Equal(kept && right != 7, found.Count == 1);
        Assert.Equal(right == 7 || kept, new DifficultyFilter(K: 1, Above: 0, Below: 1).Keeps(8, right));
    }

    [Fact]
    public async Task Failed_graders_are_left_out_of_the_difficulty()
    {
        var prompt = EnvironmentPrompt.Sample("addition", 2, 1);
        Task<Rollout> Answer(EnvironmentPrompt asked, int sample, CancellationToken cancel) =>
            Task.FromResult(RolloutFileTests.Sample(reward: sample % 2) with { Error = sample < 4 ? "broken" : null });
        Assert.Equal(2, Assert.Single(await new DifficultyFilter(K: 2, Below: 1).Apply([prompt], 8, Answer, TestContext.Current.CancellationToken)).Right);
        Assert.Empty(await new DifficultyFilter(K: 5).Apply([prompt], 8, Answer, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<InvalidInputException>(() => new DifficultyFilter(K: 10).Apply([prompt], 8, Answer, TestContext.Current.CancellationToken));
    }

    private static Curriculum Make(ulong seed = 7) => new(entries, new CurriculumOptions { Seed = seed, Window = 4 });

    /// <summary>Plays a policy that is right three times in four.</summary>
    private static List<string> Play(Curriculum curriculum, int firstStep, int steps)
    {
        var ids = new List<string>();
        for (var step = firstStep; step < firstStep + steps; step++)
        {
            EnvironmentPrompt[] prompts = [.. Enumerable.Range(0, 10).Select(number => curriculum.Draw(step, number))];
            ids.AddRange(prompts.Select(prompt => $"{prompt.Name} {prompt.Level} {prompt.Id}"));
            Array.ForEach(prompts, prompt => curriculum.Record(prompt, 4, (int)(prompt.Seed % 4) == 0 ? 3 : 4));
        }

        return ids;
    }
}
