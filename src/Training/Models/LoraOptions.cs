using System.Text.Json.Serialization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Low-rank adapters: W + alpha / rank · B · A beside frozen weights W [out, in], with A [rank, in] and B [out, rank].</summary>
public sealed record LoraOptions
{
    /// <summary>All names of matrices that can have an adapter: projections of both attentions, and of the experts.</summary>
    public static IReadOnlyList<string> KnownTargets { get; } = ["qkv_proj", "output_gate", "out_proj", "q_proj", "k_proj", "v_proj", "o_proj", "w1", "w2", "w3"];

    /// <summary>Columns of B, at least 1.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The adapter counts alpha / rank.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>Names of the matrices that get an adapter.</summary>
    public IReadOnlyList<string> Targets { get; init; } = KnownTargets;

    /// <summary>Factor of B · A.</summary>
    [JsonIgnore]
    public double Scale => Alpha / Rank;

    /// <summary>True when the matrix has an adapter.</summary>
    /// <param name="name">Official name, such as <c>model.layers.0.self_attn.qkv_proj.weight</c>.</param>
    public bool Adapts(string name) => Targets.Any(target => name.EndsWith($".{target}.weight", StringComparison.Ordinal));

    /// <summary>Refuses values that make no sense.</summary>
    /// <exception cref="InvalidInputException">Says which value, and what it must be.</exception>
    public void Validate()
    {
        if (Rank < 1 || !(Alpha > 0) || !double.IsFinite(Alpha))
        {
            throw new InvalidInputException(FormattableString.Invariant($"LoRA of rank {Rank} and alpha {Alpha}: both must be above 0. Usual values are 8 and 16."));
        }

        if (Targets.Count == 0 || Targets.Any(static target => !KnownTargets.Contains(target)))
        {
            throw new InvalidInputException(
                $"The LoRA targets are \"{string.Join(", ", Targets)}\"; give some of: {string.Join(", ", KnownTargets)}.");
        }
    }
}
