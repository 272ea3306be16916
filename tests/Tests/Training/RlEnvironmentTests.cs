using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

/// <summary>Prompts from the environments of src/Tasks in the loop.</summary>
public sealed class RlEnvironmentTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("rl-env-").FullName;

    public RlEnvironmentTests() => TorchNative.EnsureLoaded();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Episodes_of_several_turns_train_and_a_broken_run_draws_the_same_after_its_resume()
    {
        var updates = 0.0;
        Run("whole", value => updates += value.Metrics["updates"]);
        Assert.Throws<TimeoutException>(() => Run("broken", static value =>
        {
            if (value.Step == 2)
            {
                throw new TimeoutException(); // Breaks off as a killed process does.
            }
        }));
        Run("broken", resume: true);
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "whole", RolloutFile.Name)), File.ReadAllText(Path.Combine(folder, "broken", RolloutFile.Name)));
        Assert.True(updates > 0);

        var several = RolloutFile.Read(Path.Combine(folder, "whole")).Where(static rollout => rollout.LossMask is not null).ToArray();
        Assert.NotEmpty(several);
        Assert.All(several, static rollout => Assert.All(rollout.LossMask!.Zip(rollout.Logprobs), static token => Assert.Equal(token.First != 0, token.Second != 0)));
    }

    [Fact]
    public void Environments_with_tools_are_prompts_like_any_other()
    {
        var source = new TaskPrompts(Recipe()).Source();
        var prompts = Enumerable.Range(0, 30).Select(number => source.Training(1, number)).ToArray();
        Assert.Equal(["calculator/addition", "order-desk"], prompts.Select(static prompt => prompt.Start!.Name).Distinct().Order(StringComparer.Ordinal));
        Assert.All(prompts, static prompt => Assert.NotEmpty(prompt.Create().Start().Tools ?? []));
    }

    [Fact]
    public void Prompts_outside_the_difficulty_filter_are_not_asked_again()
    {
        // One-digit sums are few, so that prompts come back.
        var run = Recipe() with { Tasks = [new RlTask("addition", 1)], Curriculum = null, DifficultyFilter = new DifficultyFilter(2) };
        var source = new TaskPrompts(run).Source();
        var first = Enumerable.Range(0, 200).Select(number => source.Training(1, number)).ToArray();
        var repeated = first.GroupBy(static prompt => prompt.Start!.Id).Where(static group => group.Count() > 1).Select(static group => group.First()).First();
        Observe(source, repeated, right: 0);
        Assert.DoesNotContain(Enumerable.Range(0, 200), number => source.Training(1, number).Start!.Id == repeated.Start!.Id);
        var copy = new TaskPrompts(run).Source();
        copy.Restore!(source.Save!());
        Assert.Equal(Enumerable.Range(0, 50).Select(number => source.Training(2, number).Start!.Id), Enumerable.Range(0, 50).Select(number => copy.Training(2, number).Start!.Id));
    }

    [Fact]
    public void A_curriculum_raises_the_level_with_success()
    {
        var run = Recipe() with { Tasks = [new RlTask("addition", 1)], Curriculum = new CurriculumOptions { Window = 3, DropsMastered = false } };
        var source = new TaskPrompts(run).Source();
        for (var i = 0; i < 3; i++)
        {
            var prompt = source.Training(1, i);
            Assert.Equal(1, prompt.Start!.Level);
            Observe(source, prompt, right: 2);
        }

        Assert.Equal(2, source.Training(2, 0).Start!.Level);
    }

    private static void Observe(RlPromptSource source, RlPrompt prompt, int right)
    {
        Rollout Answer(int sample) => new()
        {
            Step = 1,
            Task = prompt.Start!.Name,
            Prompt = prompt.Start.Id,
            Group = 0,
            Sample = sample,
            PromptText = "",
            Tokens = [],
            Logprobs = [],
            StopReason = StopReasons.Stop,
            Rewards = [new RewardTerm(Reward.CorrectName, sample < right ? 1 : 0)],
        };
        source.Observe!(1, [new RolloutGroup(0, prompt, [Answer(0), Answer(1)])]);
    }

    private static RlRun Recipe() => new()
    {
        Recipe = "test",
        Model = RandomTiny.Folder,
        Tasks = [new RlTask("order-desk", 1), new RlTask("calculator/addition", 1)],
        Curriculum = new CurriculumOptions(),
        DifficultyFilter = new DifficultyFilter(4, -1, 1),
        Steps = 3,
        PromptsPerStep = 3,
        GroupSize = 6,
        UpdatesPerStep = 2,
        Windows = [160],
        OverlongCache = 160,
        IsWeightMax = 5,
        EvaluateEvery = 0,
        SaveEvery = 1,
        Threads = 1,
    };

    private void Run(string name, Action<TrainingProgress>? progress = null, bool resume = false) =>
        Rl.Run(Recipe(), Path.Combine(folder, name), static _ => new RlPromptSource(static (step, number) => Asking(step, number), static number => Asking(0, number)), resume, progress is null ? null : new Direct(progress), cancellationToken: TestContext.Current.CancellationToken);

    private static RlPrompt Asking(long step, int number) => new(() => new TwoQuestions($"{step} {number}"));

    /// <summary>Asks a second time whatever was answered, and likes answers of odd length.</summary>
    private sealed class TwoQuestions(string question) : IEnvironment
    {
        private bool asked;

        public string Task => "two-questions";

        public int? Level => null;

        public string Prompt => question;

        public IReadOnlyList<Reward> Rewards { get; } = [new Reward("length", static (rollout, _) => ValueTask.FromResult(rollout.Reply.Length % 2 + 0.0))];

        public Conversation Start() => new([ChatMessage.User(question)]);

        public ValueTask<IReadOnlyList<ChatMessage>> Respond(ChatMessage message, CancellationToken cancellationToken)
        {
            var first = !asked;
            asked = true;
            return ValueTask.FromResult<IReadOnlyList<ChatMessage>>(first ? [ChatMessage.User("And then?")] : []);
        }
    }

    private sealed class Direct(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
