using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using Spectre.Console;

namespace MiniMaxSharp.Cli;

/// <content>The memory of a run, before there is one.</content>
internal static partial class InspectCommand
{
    /// <summary>One plan for each type of keys and values; weights are those of the files, or what the configuration says when there are none.</summary>
    private static List<MemoryPlan> Plans(string model, Findings findings, long tokens)
    {
        var (mapped, packed) = (findings.Manifest.TotalBytes, 0L);
        if (GgufFile.IsGgufPath(model))
        {
            using var weights = MiniMaxM1Weights.Load(model, findings.Config);
            mapped = weights.Stored.Values.Sum(static weight => weight.ByteCount);
            packed = weights.Stored.Where(static tensor => tensor.Value.DType.IsQuantized() && !tensor.Key.Contains("embed_tokens", StringComparison.Ordinal))
                .Sum(static tensor => tensor.Value.ByteCount);
        }

        var step = new ModelOptions().MaxStepTokens;
        return [.. Enum.GetValues<KeyValueType>().Select(type =>
            MemoryPlan.Create(findings.Config, tokens, type, step) with { MappedWeights = mapped, PackedWeights = packed })];
    }

    private static void WritePlan(IAnsiConsole console, List<MemoryPlan> plans, long available)
    {
        Heading(console, FormattableString.Invariant($"Memory of a run to {plans[0].Tokens:N0} tokens"));
        WritePairs(console,
            ("weights", $"{ByteSize.Format(plans[0].MappedWeights)}, mapped"),
            ("packed copy", $"{ByteSize.Format(plans[0].PackedWeights)}, of quantised matrices"),
            ("lightning states", ByteSize.Format(plans[0].LightningStates)),
            ("activations", ByteSize.Format(plans[0].Activations)),
            ("this machine", ByteSize.Format(available)));
        var table = NewTable(console, "keys and values in", "bytes", "together", "without mapped weights", "fits");
        foreach (var plan in plans)
        {
            var needed = plan.PackedWeights + plan.RunBytes;
            AddRow(table, RunOptions.Name(plan.KeyValueType), ByteSize.Format(plan.KeyValues), ByteSize.Format(plan.Total), ByteSize.Format(needed),
                plan.Total <= available ? "yes" : needed <= available ? "weights are read from disk" : "no");
        }

        console.Write(table);
    }

    private static string ToJson(List<MemoryPlan> plans, long available) => new JsonObject
    {
        ["tokens"] = plans[0].Tokens,
        ["mapped_weight_bytes"] = plans[0].MappedWeights,
        ["packed_weight_bytes"] = plans[0].PackedWeights,
        ["lightning_state_bytes"] = plans[0].LightningStates,
        ["activation_bytes"] = plans[0].Activations,
        ["available_bytes"] = available,
        ["key_value_bytes"] = new JsonObject(plans.Select(static plan => KeyValuePair.Create(RunOptions.Name(plan.KeyValueType), (JsonNode?)plan.KeyValues))),
    }.ToJsonString();
}
