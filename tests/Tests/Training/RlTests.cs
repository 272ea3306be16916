using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

public sealed class RlTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("rl-").FullName;

    public RlTests() => TorchNative.EnsureLoaded();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_trivial_reward_rises_and_every_batch_agrees_with_the_trainer()
    {
        var steps = new List<IReadOnlyDictionary<string, double>>();
        var result = Run("a", Recipe() with { Steps = 12 }, progress: value => steps.Add(value.Metrics));
        Assert.True(steps[^1]["reward"] > steps[0]["reward"] + 0.2, $"reward {steps[0]["reward"]} → {steps[^1]["reward"]}");
        Assert.True(result.FinalAccuracy > result.StartAccuracy, $"greedy {result.StartAccuracy} → {result.FinalAccuracy}");
        var learnt = steps.Where(static metrics => metrics["updates"] > 0).ToArray(); // Later ones are flat: every answer is right.
        Assert.True(learnt.Length >= 4);
        Assert.All(learnt, static metrics => Assert.True(metrics["rollout_actor_probs_pearson_corr"] >= 0.9999, $"{metrics["rollout_actor_probs_pearson_corr"]}"));
        Assert.All(steps, static metrics => Assert.Equal(1, metrics["time/rollout_share"] + metrics["time/reward_share"] + metrics["time/train_share"], 1e-9));
        Assert.All(
            new[] { "reward_std", "frac_reward_zero_std", "completions/mean_length", "completions/clipped_ratio", "entropy", "clip_ratio/positive_high", "is_ratio/max", "grad_norm", "lr", "staleness", "repetition_stops" },
            name => Assert.Contains(name, steps[0].Keys));
        Assert.Equal(0, steps[3]["staleness"]);
    }

    [Fact]
    public void A_run_that_broke_off_draws_the_same_after_its_resume()
    {
        var whole = Run("whole", Recipe());
        Assert.Throws<TimeoutException>(() => Run("broken", Recipe(), progress: static value =>
        {
            if (value.Step == 3)
            {
                throw new TimeoutException(); // Breaks off without a checkpoint, as a killed process does.
            }
        }));
        var resumed = Run("broken", Recipe(), resume: true);
        Assert.Equal(Lines("whole"), Lines("broken"));
        Assert.Equal(whole.FinalAccuracy, resumed.FinalAccuracy);
        Assert.Equal(whole.GeneratedTokens, resumed.GeneratedTokens);
        Assert.Equal(6 * 4 * 8, Lines("whole").Length);
    }

    [Fact]
    public void Dynamic_sampling_is_bounded_and_flat_batches_do_not_stop_a_run()
    {
        var steps = new List<IReadOnlyDictionary<string, double>>();
        Run("flat", Recipe() with { Steps = 2, DynamicSampling = true, MaxSamplingRounds = 3 }, static _ => 1, value => steps.Add(value.Metrics));
        Assert.All(steps, static metrics => Assert.Equal((3, 12, 0, 0, 1), (metrics["sampling_rounds"], metrics["groups_generated"], metrics["groups_kept"], metrics["updates"], metrics["frac_reward_zero_std"])));
    }

    [Fact]
    public void A_failing_grader_leaves_answers_out_instead_of_calling_them_wrong()
    {
        var steps = new List<IReadOnlyDictionary<string, double>>();
        var calls = 0;
        Run(
            "errors",
            Recipe() with { Steps = 1 },
            text => Interlocked.Increment(ref calls) % 2 == 0 ? throw new InvalidOperationException("broken") : text.Length % 5,
            value => steps.Add(value.Metrics));
        Assert.Equal(0.5, steps[0]["reward_errors"], 0.05);
        Assert.Contains(Lines("errors"), static line => line.Contains("\"error\":\"letters: broken\"", StringComparison.Ordinal));
    }

    [Fact]
    public void With_staleness_batches_are_drawn_ahead_and_training_goes_on()
    {
        var steps = new List<IReadOnlyDictionary<string, double>>();
        Run("ahead", Recipe() with { MaxStaleness = 2 }, progress: value => steps.Add(value.Metrics));
        Assert.Equal(6, steps.Count);
        Assert.All(steps, static metrics => Assert.InRange(metrics["staleness"], 0, 4)); // Two batches of two updates.
    }

    [Fact]
    public void The_recipe_survives_its_file_and_nonsense_is_refused()
    {
        var run = Recipe() with { Loss = "dapo", Scale = AdvantageScale.Batch, Windows = [8, 16] };
        Assert.Equal(run.ToJson().ToJsonString(), RlRun.Parse(run.ToJson(), "test").ToJson().ToJsonString());
        Assert.Throws<InvalidInputException>(() => (Recipe() with { IsWeightMax = null }).Validate());
        Assert.Throws<InvalidInputException>(() => (Recipe() with { GroupSize = 1 }).Validate());
        Assert.Throws<InvalidInputException>(() => (Recipe() with { TruncatedIsMax = 2 }).Validate());
        Assert.Throws<InvalidInputException>(() => (Recipe() with { Aggregation = "mean" }).Validate());
        Assert.Throws<InvalidInputException>(() => (Recipe() with { OverlongCache = 100 }).Validate());
    }

    [Fact]
    public void The_window_advances_when_both_indicators_say_so()
    {
        var window = new OutputWindow([10, 20]);
        for (var i = 0; i < 9; i++)
        {
            Assert.False(window.Observe([10, 10, 10], -1));
        }

        Assert.False(window.Observe([5, 5, 5], -1)); // Converged, but the answers are short.
        Assert.True(window.Observe([10, 10, 10], -1));
        Assert.Equal(20, window.Tokens);
        var copy = new OutputWindow([10, 20]);
        copy.Restore(window.Save());
        Assert.Equal(20, copy.Tokens);
    }

    private static RlRun Recipe() => new()
    {
        Recipe = "test",
        Model = RandomTiny.Folder,
        Tasks = [new RlTask("addition", 1)],
        Steps = 6,
        PromptsPerStep = 4,
        GroupSize = 8,
        UpdatesPerStep = 2,
        Windows = [8],
        IsWeightMax = 5,
        LearningRate = 2e-3,
        EvaluateEvery = 6,
        EvaluationPrompts = 4,
        EvaluationSamples = 2,
        SaveEvery = 2,
        Threads = 1,
    };

    private RlResult Run(string name, RlRun run, Func<string, double>? reward = null, Action<TrainingProgress>? progress = null, bool resume = false)
    {
        RlPrompt Prompt(long number) => new(() => new Letters(number, reward ?? (static text => text.Count(char.IsAsciiLetterLower) / (double)Math.Max(1, text.Length))));
        RlPromptSource Source(Tokenizer tokenizer) => new((step, number) => Prompt((step * 100) + number), number => Prompt(number));
        return Rl.Run(run, Path.Combine(folder, name), Source, resume, progress is null ? null : new Direct(progress), cancellationToken: TestContext.Current.CancellationToken);
    }

    private string[] Lines(string name) => File.ReadAllLines(Path.Combine(folder, name, "rollouts.jsonl"));

    /// <summary>A single turn, judged by its text.</summary>
    private sealed class Letters(long number, Func<string, double> reward) : IEnvironment
    {
        public string Task => "letters";

        public int? Level => null;

        public string Prompt => $"{number}";

        public IReadOnlyList<Reward> Rewards => [new Reward("letters", (rollout, _) => ValueTask.FromResult(reward(rollout.Reply)))];

        public Conversation Start() => new([ChatMessage.User($"prompt {number % 4}")]);

        public ValueTask<IReadOnlyList<ChatMessage>> Respond(ChatMessage message, CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<ChatMessage>>([]);
    }

    private sealed class Direct(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
