using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

public sealed class TrainingLoopTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-loop-").FullName;
    private readonly string texts;

    public TrainingLoopTests()
    {
        texts = Path.Combine(folder, "texts.jsonl");
        File.WriteAllLines(texts, Enumerable.Range(0, 200).Select(static i => $$"""{"text":"{{i}} and {{i + 1}} and {{i + 2}}."}"""));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_run_learns_evaluates_and_writes_what_it_promises()
    {
        var run = Tiny(60) with { EvaluateEvery = 20, MicroBatches = 2, Stages = [new(16), new(64)] };
        var (notes, steps) = (new List<string>(), new Recorded());
        var result = Pretrain.Run(run, Run("a"), progress: steps, note: notes.Add, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((60, 60 * 256L), (result.Steps, result.Tokens));
        Assert.True(result.EvaluationLoss < 0.7 * steps.Seen[0].Metrics["loss"], $"{steps.Seen[0].Metrics["loss"]} → {result.EvaluationLoss}");
        Assert.Equal(Enumerable.Range(1, 60), steps.Seen.Select(static seen => (int)seen.Step));
        Assert.Equal(3, steps.Seen.Count(static seen => seen.Metrics.ContainsKey("eval/loss")));
        Assert.Equal([16, 64], steps.Seen.Select(static seen => (int)seen.Metrics["context_length"]).Distinct());
        var last = steps.Seen[^1].Metrics;
        Assert.Equal(last["grad_norm"], Math.Sqrt(last.Where(static pair => pair.Key.StartsWith("grad_norm/", StringComparison.Ordinal)).Sum(static pair => pair.Value * pair.Value)), 1e-9);
        Assert.All(["expert_load_max/layer_00", "expert_load_min/layer_02", "grad_norm/layer_01", "grad_norm/lm_head", "aux_loss", "lr"], name => Assert.Contains(name, last.Keys));
        Assert.Contains(notes, static note => note.Contains("200 records", StringComparison.Ordinal));
        Assert.Equal(run, TrainingRunJson.Parse<PretrainRun>(RunFolder.ReadRecipe(Run("a"))!, "run.json") with { Data = run.Data, Stages = run.Stages, EvaluationFiles = run.EvaluationFiles, Config = run.Config });
        Assert.Equal(60, TrainingCheckpoint.Latest(Run("a"))!.Step);
        Assert.True(File.Exists(Path.Combine(Run("a"), "metrics.jsonl")));
    }

    [Fact]
    public void A_stopped_run_goes_on_with_the_same_weights_bitwise()
    {
        var run = Tiny(12) with { SaveEvery = 4 };
        Pretrain.Run(run, Run("whole"), cancellationToken: TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        var stopper = new Recorded(seen => { if (seen.Step == 6) { stop.Cancel(); } });
        Assert.Throws<OperationCanceledException>(() => Pretrain.Run(run, Run("cut"), progress: stopper, cancellationToken: stop.Token));
        Assert.Equal(6, TrainingCheckpoint.Latest(Run("cut"))!.Step);
        var refused = Assert.Throws<InvalidInputException>(() => Pretrain.Run(run, Run("cut"), cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("--resume", refused.Message, StringComparison.Ordinal);
        Directory.Delete(TrainingCheckpoint.Latest(Run("cut"))!.Folder, recursive: true); // As if the process had been killed: back to step 4.

        var resumed = new Recorded();
        Pretrain.Run(run, Run("cut"), resume: true, progress: resumed, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(5, resumed.Seen[0].Step);
        AssertSameWeights(Run("whole"), Run("cut"));
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_with_the_batch_in_a_file()
    {
        var run = Tiny(40) with { LearningRate = 1e30, SaveEvery = 1, WarmupShare = 0 };
        var error = Assert.Throws<NonFiniteLossException>(() => Pretrain.Run(run, Run("a"), cancellationToken: TestContext.Current.CancellationToken));
        var file = Assert.Single(Directory.GetFiles(Run("a"), "nonfinite-step-*.json"));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        var saved = JsonNode.Parse(File.ReadAllText(file))!;
        Assert.Equal(256, saved["ids"]!.AsArray().Count);
        Assert.Equal((long)saved["step"]! - 1, TrainingCheckpoint.Latest(Run("a"))!.Step);
    }

    [Fact]
    public void A_malformed_line_stops_the_run_and_the_last_checkpoint_is_whole()
    {
        var lines = File.ReadAllLines(texts);
        File.WriteAllLines(texts, [.. lines, "{\"text\": 3", .. Enumerable.Repeat(lines, 14).SelectMany(static repeated => repeated)]);
        var run = Tiny(1000) with { SaveEvery = 1, HeldOutShare = 0, Tokenizer = RandomTiny.Folder, BatchTokens = 1024 };
        var error = Assert.Throws<InvalidInputException>(() => Pretrain.Run(run, Run("a"), cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("texts.jsonl:201", error.Message, StringComparison.Ordinal);
        Assert.NotNull(TrainingCheckpoint.Latest(Run("a")));
    }

    [Fact]
    public void A_tokenizer_with_more_ids_than_the_model_is_refused()
    {
        using (var module = MiniMaxM1Module.Create(TrainingModels.Tiny with { VocabSize = 200 }, 1))
        {
            module.Save(Run("small-model"));
        }

        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(RandomTiny.Folder, name), Path.Combine(Run("small-model"), name));
        }

        var run = Tiny(4) with { Config = null, Model = Run("small-model") };
        Assert.Contains("belongs to the model", Assert.Throws<InvalidInputException>(() => Pretrain.Run(run, Run("a"), cancellationToken: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fine_tuning_begins_with_a_pretrained_checkpoint()
    {
        var first = Pretrain.Run(Tiny(10), Run("base"), cancellationToken: TestContext.Current.CancellationToken);
        var chats = Path.Combine(folder, "chats.jsonl");
        File.WriteAllLines(chats, Enumerable.Range(0, 50).Select(static i =>
            $$"""{"messages":[{"role":"user","content":"after {{i}}?"},{"role":"assistant","content":"{{i + 1}}"}]}"""));
        var steps = new Recorded();
        var run = new SftRun
        {
            Model = first.Checkpoint,
            Data = [new DataSource("chats", [chats])],
            Steps = 30,
            BatchTokens = 512,
            Stages = [new(128)],
            LearningRate = 5e-3,
            Threads = 1,
        };
        var result = Sft.Run(run, Run("sft"), progress: steps, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(steps.Seen[^1].Loss < 0.5 * steps.Seen[0].Loss, $"{steps.Seen[0].Loss} → {steps.Seen[^1].Loss}");
        Assert.Null(result.EvaluationLoss);
        Assert.Throws<InvalidInputException>(() => TrainingRunJson.Parse<PretrainRun>(RunFolder.ReadRecipe(Run("sft"))!, "run.json"));
    }

    [Fact]
    public void A_run_is_not_resumed_with_another_model()
    {
        var token = TestContext.Current.CancellationToken;
        var (first, second) = (Pretrain.Run(Tiny(1), Run("first"), cancellationToken: token), Pretrain.Run(Tiny(1), Run("second"), cancellationToken: token));
        var run = Tiny(2) with { Config = null, Model = first.Checkpoint };
        Pretrain.Run(run, Run("tuned"), cancellationToken: token);
        var error = Assert.Throws<InvalidInputException>(() => Pretrain.Run(run with { Model = second.Checkpoint, Steps = 3 }, Run("tuned"), resume: true, cancellationToken: token));
        Assert.Contains($"began with the model {first.Checkpoint}", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, Pretrain.Run(run with { Steps = 3 }, Run("tuned"), resume: true, cancellationToken: token).Steps);
    }

    [Fact]
    public void One_folder_has_one_run_at_a_time()
    {
        using var held = RunFolder.Open(Run("a"), resume: true);
        Assert.Contains("another process", Assert.Throws<InvalidInputException>(() => RunFolder.Open(Run("a"), resume: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stages_take_their_shares_of_the_steps_and_senseless_recipes_are_refused()
    {
        var run = Tiny(10) with { Stages = [new(8, 2), new(16, 1), new(32, 2)] };
        Assert.Equal([8, 8, 8, 8, 16, 16, 32, 32, 32, 32], Enumerable.Range(0, 10).Select(run.LengthAt));
        PretrainRun[] senseless = [run with { Steps = 0 }, run with { Stages = [] }, run with { Data = [] }, run with { HeldOutShare = 0.9 }, run with { Model = "m" }, run with { LearningRate = double.NaN }];
        Assert.All(senseless, static recipe => Assert.Throws<InvalidInputException>(recipe.Validate));
        Assert.Throws<InvalidInputException>(new SftRun { Data = run.Data, Steps = 1 }.Validate);
    }

    private static void AssertSameWeights(string expected, string actual)
    {
        static byte[] Bytes(string run, string name) => File.ReadAllBytes(Path.Combine(TrainingCheckpoint.Latest(run)!.Folder, name));
        foreach (var name in new[] { "model-00000-of-00001.safetensors", "trainer/optimizer.safetensors", "trainer/state.json", "tokenizer.json" })
        {
            Assert.Equal(Bytes(expected, name), Bytes(actual, name));
        }
    }

    private string Run(string name) => Path.Combine(folder, name);

    private PretrainRun Tiny(int steps) => new()
    {
        Recipe = "tiny",
        Config = TrainingModels.Tiny with { TorchDtype = DType.F32 },
        VocabularySize = 290,
        Data = [new DataSource("texts", [texts])],
        HeldOutShare = 0.05,
        Steps = steps,
        BatchTokens = 256,
        Stages = [new(64)],
        LearningRate = 1e-2,
        Threads = 1,
        Deterministic = true,
    };

    private sealed class Recorded(Action<TrainingProgress>? then = null) : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> Seen { get; } = [];

        public void Report(TrainingProgress value)
        {
            Seen.Add(value);
            then?.Invoke(value);
        }
    }
}
