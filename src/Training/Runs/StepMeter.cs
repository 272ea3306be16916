using System.Globalization;

namespace MiniMaxSharp.Training;

/// <summary>Collects the metrics of one step.</summary>
internal sealed class StepMeter(MiniMaxM1Module module)
{
    private readonly long[][] expertCounts = [.. Enumerable.Range(0, module.Config.NumHiddenLayers).Select(_ => new long[module.Config.NumLocalExperts])];
    private double auxLoss;
    private int documents;

    /// <summary>Mean loss of the tokens that count.</summary>
    public double Loss { get; private set; }

    /// <summary>Tokens.</summary>
    public int Tokens { get; private set; }

    /// <summary>Adds a micro batch whose loss has this weight in that of the step.</summary>
    public void Add(TrainingBatch batch, double weight, double loss, double aux, ModuleOutput output)
    {
        Loss += weight * loss;
        auxLoss += aux;
        Tokens += batch.Documents.Count;
        documents += batch.Documents.Boundaries.Length - 1;
        for (var layer = 0; layer < expertCounts.Length; layer++)
        {
            for (var expert = 0; expert < expertCounts[layer].Length; expert++)
            {
                expertCounts[layer][expert] += output.ExpertCounts[layer][expert];
            }
        }
    }

    /// <summary>All metrics by name. An expert load of 1 is a fair share of the tokens.</summary>
    public Dictionary<string, double> Metrics(AdamW optimizer, double learningRate, int length, long totalTokens, TimeSpan elapsed)
    {
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["loss"] = Loss,
            ["aux_loss"] = auxLoss,
            ["lr"] = learningRate,
            ["grad_norm"] = Math.Sqrt(optimizer.GradientSquares.Sum()),
            ["tokens"] = totalTokens,
            ["tokens_per_second"] = Tokens / elapsed.TotalSeconds,
            ["context_length"] = length,
            ["documents"] = documents,
        };
        foreach (var group in module.Trainable.Zip(optimizer.GradientSquares).GroupBy(static pair => PlaceOf(pair.First)))
        {
            metrics["grad_norm/" + group.Key] = Math.Sqrt(group.Sum(static pair => pair.Second));
        }

        for (var layer = 0; layer < expertCounts.Length; layer++)
        {
            var fair = (double)expertCounts[layer].Sum() / expertCounts[layer].Length;
            var name = string.Create(CultureInfo.InvariantCulture, $"layer_{layer:D2}");
            metrics["expert_load_max/" + name] = expertCounts[layer].Max() / fair;
            metrics["expert_load_min/" + name] = expertCounts[layer].Min() / fair;
        }

        return metrics;
    }

    private static string PlaceOf(ModuleParameter parameter) => parameter.Layer >= 0
        ? string.Create(CultureInfo.InvariantCulture, $"layer_{parameter.Layer:D2}")
        : parameter.Name.Split('.')[^2];
}
