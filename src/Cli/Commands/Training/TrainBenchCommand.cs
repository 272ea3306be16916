using System.CommandLine;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train bench</c>: speed of whole training steps.</summary>
internal static class TrainBenchCommand
{
    private const string Help = """
        Measures training steps (forward, backward, AdamW) on random tokens and prints medians.
        Shapes: s (0.56 M weights, 4 experts), m (3.0 M), l (10.6 M, vocabulary 512), each 7 lightning layers and 1 softmax layer;
        lightning is m with 8 lightning layers.

        Example: minimax train bench --shape m --batch 16 --length 256
        """;

    private static readonly Option<string> shape = new("--shape") { Description = "s, m, l or lightning.", DefaultValueFactory = _ => "m" };

    private static readonly Option<int> batch = new("--batch") { Description = "Documents of a step.", DefaultValueFactory = _ => 16 };

    private static readonly Option<int> length = new("--length") { Description = "Tokens of a document.", DefaultValueFactory = _ => 256 };

    private static readonly Option<int> steps = new("--steps") { Description = "Measured steps.", DefaultValueFactory = _ => 20 };

    private static readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };

    private static readonly Option<bool> bf16 = new("--bf16") { Description = "Use weights as rounded to bfloat16." };

    private static readonly Option<bool> checkpoint = new("--checkpoint-layers") { Description = "Recompute layers in the backward pass." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("bench", Help) { shape, batch, length, steps, threads, bf16, checkpoint };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        if (parsed.GetValue(batch) < 1 || parsed.GetValue(length) < 2 || parsed.GetValue(steps) < 1 || parsed.GetValue(threads) < 0)
        {
            throw new InvalidInputException("--batch and --steps must be at least 1, --length at least 2, --threads not negative.");
        }

        var config = Shape(parsed.GetRequiredValue(shape));
        var options = new ModuleOptions
        {
            Threads = parsed.GetValue(threads),
            Bf16Weights = parsed.GetValue(bf16),
            CheckpointLayers = parsed.GetValue(checkpoint),
        };
        var times = TrainingBenchmark.Run(config, parsed.GetValue(batch), parsed.GetValue(length), parsed.GetValue(steps), options);
        parsed.InvocationConfiguration.Output.WriteLine(Invariant(
            $"{parsed.GetValue(shape)}: {times.TokensPerSecond:F0} tokens/s, {times.Step:F1} ms a step (forward {times.Forward:F1}, backward {times.Backward:F1}, optimizer {times.Optimizer:F1}; CPU {times.CpuTime:F1}), loss {times.Loss:F3}, live tensors {times.LiveTensors:+0;-0;0}, resident {times.ResidentGrowth / 1048576.0:+0.0;-0.0;0} MiB"));
        return 0;
    }

    /// <summary>A shape by name.</summary>
    internal static MiniMaxM1Config Shape(string name)
    {
        var m = new MiniMaxM1Config
        {
            HiddenSize = 128,
            IntermediateSize = 96,
            NumHiddenLayers = 8,
            NumAttentionHeads = 4,
            NumKeyValueHeads = 2,
            HeadDim = 32,
            RotaryDim = 16,
            NumLocalExperts = 8,
            NumExpertsPerTok = 2,
            VocabSize = 64,
            AttnTypeList = [.. Enumerable.Repeat(AttentionKind.Lightning, 7), AttentionKind.Softmax],
            Postnorm = true,
            LayernormLinearAttentionAlpha = 2,
            LayernormFullAttentionAlpha = 2,
            LayernormMlpAlpha = 2,
            RopeTheta = 1e4,
        };
        return name switch
        {
            "s" => m with { HiddenSize = 64, IntermediateSize = 64, HeadDim = 16, RotaryDim = 8, NumLocalExperts = 4 },
            "m" => m,
            "l" => m with { HiddenSize = 256, IntermediateSize = 160, NumAttentionHeads = 8, VocabSize = 512 },
            "lightning" => m with { AttnTypeList = [.. Enumerable.Repeat(AttentionKind.Lightning, 8)] },
            _ => throw new InvalidInputException($"--shape {name} is not known. Use s, m, l or lightning."),
        };
    }
}
