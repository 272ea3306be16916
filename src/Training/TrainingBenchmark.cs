using System.Diagnostics;
using MiniMaxSharp.Inference;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>What a benchmark measured, all times in milliseconds: medians over the steps.</summary>
/// <param name="Tokens">Tokens of one step.</param>
/// <param name="Forward">Forward pass with the loss.</param>
/// <param name="Backward">Backward pass.</param>
/// <param name="Optimizer">Clipping and AdamW.</param>
/// <param name="Step">The whole step.</param>
/// <param name="CpuTime">CPU time of one step, all threads together; the mean.</param>
/// <param name="Loss">Loss of the last step.</param>
/// <param name="LiveTensors">Tensors alive after the last step, less those after the first.</param>
/// <param name="ResidentGrowth">Bytes that the process has grown by since the first measured step.</param>
public sealed record TrainingTimes(
    int Tokens, double Forward, double Backward, double Optimizer, double Step, double CpuTime, double Loss, long LiveTensors, long ResidentGrowth)
{
    /// <summary>Speed.</summary>
    public double TokensPerSecond => Tokens / Step * 1000;
}

/// <summary>Whole training steps on random tokens.</summary>
public static class TrainingBenchmark
{
    private const int WarmupSteps = 3;

    /// <summary>Runs <paramref name="steps"/> steps of <paramref name="batch"/> documents of <paramref name="length"/> tokens each.</summary>
    public static TrainingTimes Run(MiniMaxM1Config config, int batch, int length, int steps, ModuleOptions options)
    {
        using var module = MiniMaxM1Module.Create(config, seed: 1, options);
        using var optimizer = new AdamW(module);
        var random = new Random(1);
        var documents = PackedDocuments.Of([.. Enumerable.Range(0, batch).Select(_ =>
            Enumerable.Range(0, length).Select(_ => random.Next(config.VocabSize)).ToArray())]);
        var targets = documents.NextTokens();
        var times = new List<double[]>();
        var (loss, live, resident, cpu) = (0.0, 0L, 0L, TimeSpan.Zero);
        for (var step = 0; step < steps + WarmupSteps; step++)
        {
            var start = Stopwatch.GetTimestamp();
            using (NewDisposeScope())
            {
                optimizer.ZeroGrad();
                var output = module.Forward(documents);
                var value = Losses.CrossEntropy(module.TokenLogprobs(output.Hidden, targets), targets) + (module.AuxLoss(output) * config.RouterAuxLossCoef);
                var forward = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                value.backward();
                var backward = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                optimizer.Step(1e-3);
                loss = value.item<float>();
                times.Add([forward, backward - forward, Stopwatch.GetElapsedTime(start).TotalMilliseconds - backward, 0]);
            }

            times[^1][3] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (step == WarmupSteps - 1)
            {
                (live, resident, cpu) = (Tensor.TotalCount, Environment.WorkingSet, Environment.CpuUsage.TotalTime);
            }
        }

        double Median(int part) => times.Skip(WarmupSteps).Select(time => time[part]).Order().ElementAt((times.Count - WarmupSteps) / 2);
        return new TrainingTimes(
            documents.Count, Median(0), Median(1), Median(2), Median(3), (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / steps, loss, Tensor.TotalCount - live, Environment.WorkingSet - resident);
    }
}
