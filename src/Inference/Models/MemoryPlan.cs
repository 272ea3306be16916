using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>The memory of a run of one sequence, in bytes.</summary>
/// <param name="Tokens">Length of the sequence.</param>
/// <param name="KeyValueType">How keys and values are stored.</param>
/// <param name="MappedWeights">Weights that are read where the file is mapped: pages that the system may drop and read again.</param>
/// <param name="PackedWeights">Quantised weights that are copied into another layout when the model is opened.</param>
/// <param name="LightningStates">States of the lightning layers, whatever the length.</param>
/// <param name="KeyValues">Keys and values of the softmax layers.</param>
/// <param name="Activations">Buffers of a step.</param>
public sealed record MemoryPlan(
    long Tokens, KeyValueType KeyValueType, long MappedWeights, long PackedWeights, long LightningStates, long KeyValues, long Activations)
{
    /// <summary>What the run adds to an opened model.</summary>
    public long RunBytes => LightningStates + KeyValues + Activations;

    /// <summary>All of it.</summary>
    public long Total => MappedWeights + PackedWeights + RunBytes;

    /// <summary>The plan of <paramref name="config"/> without weights.</summary>
    public static MemoryPlan Create(MiniMaxM1Config config, long tokens, KeyValueType keyValueType, int maxStepTokens, int logitRows = 16) => new(
        tokens,
        keyValueType,
        MappedWeights: 0,
        PackedWeights: 0,
        config.CountLayers(AttentionKind.Lightning) * (long)LightningAttention.StateLength(config.NumAttentionHeads, config.HeadDim) * sizeof(float),
        config.CountLayers(AttentionKind.Softmax) * KeyValuePages.ByteCount(config.NumKeyValueHeads, config.HeadDim, tokens, keyValueType),
        ForwardBuffers.ByteCount(config, maxStepTokens, config.SharedIntermediateSize, logitRows));
}
