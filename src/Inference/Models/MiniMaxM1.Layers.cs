using System.Runtime.InteropServices;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <content>One layer: token mixing, then experts.</content>
public sealed partial class MiniMaxM1
{
    /// <summary>
    /// u = rms(x); x = alpha · (u if postnorm else x) + beta · sublayer(u), once for attention and once for the experts (section 2).
    /// With post-norm the residual is the normalised value: the raw stream is never carried.
    /// </summary>
    private void RunLayer(int layer, ReadOnlySpan<SequenceChunk> chunks, int T, ForwardTrace? trace)
    {
        var softmax = Config.AttnTypeList[layer] == AttentionKind.Softmax;
        RmsNorm.Normalize(buffers.HiddenStates, vectors[layer].InputLayernorm, Config.RmsNormEps, buffers.Normed, T, pool);
        if (softmax)
        {
            RunSoftmaxAttention(layer, chunks, T);
        }
        else
        {
            RunLightningAttention(layer, chunks, T);
        }

        AddResidual(
            softmax ? Config.LayernormFullAttentionAlpha : Config.LayernormLinearAttentionAlpha,
            softmax ? Config.LayernormFullAttentionBeta : Config.LayernormLinearAttentionBeta,
            T);
        RmsNorm.Normalize(buffers.HiddenStates, vectors[layer].PostAttentionLayernorm, Config.RmsNormEps, buffers.Normed, T, pool);
        RunExperts(layer, T, trace);
        AddResidual(Config.LayernormMlpAlpha, Config.LayernormMlpBeta, T);
    }

    private void AddResidual(float alpha, float beta, int T) => Elementwise.Combine(
        alpha, Config.Postnorm ? buffers.Normed : buffers.HiddenStates, beta, buffers.BlockOutput, buffers.HiddenStates, T * Config.HiddenSize, pool);

    /// <summary>Section 3: out_proj(sigmoid(gate(u)) · rms(lightning(silu(qkv(u))))), the norm over all heads at once.</summary>
    private void RunLightningAttention(int layer, ReadOnlySpan<SequenceChunk> chunks, int T)
    {
        var layerWeights = weights.Layers[layer];
        var width = Config.NumAttentionHeads * Config.HeadDim;
        buffers.Jobs[0] = new MatMulJob(layerWeights.QkvProj, buffers.Normed, 0, buffers.Qkv, 0, T);
        buffers.Jobs[1] = new MatMulJob(layerWeights.OutputGate, buffers.Normed, 0, buffers.OutputGate, 0, T);
        MatMul.Multiply(buffers.Jobs.AsSpan(0, 2), pool);
        Observe(layer, T, buffers.Normed, "qkv_proj", "output_gate");
        Elementwise.Silu(buffers.Qkv, T * 3 * width, pool);
        lightningSlices.Clear();
        var row = 0;
        foreach (var (state, tokens) in chunks)
        {
            if (tokens.Length > 0)
            {
                lightningSlices.Add(new LightningSlice(((LightningState)state.Layers[layer]).Buffer, row, tokens.Length, state.Position));
            }

            row += tokens.Length;
        }

        LightningAttention.Forward(CollectionsMarshal.AsSpan(lightningSlices), buffers.Qkv, vectors[layer].Slopes, Config.HeadDim, buffers.Attention, pool);
        RmsNorm.Normalize(buffers.Attention, vectors[layer].AttentionNorm, LightningNormEps, buffers.Attention, T, pool);
        Elementwise.SigmoidMultiply(buffers.Attention, buffers.OutputGate, T * width, pool);
        Observe(layer, T, buffers.Attention, "out_proj");
        MatMul.Multiply(new MatMulJob(layerWeights.OutProj, buffers.Attention, 0, buffers.BlockOutput, 0, T), pool);
    }

    /// <summary>Section 4: o_proj(attention(rope(q(u)), rope(k(u)), v(u))) with grouped queries.</summary>
    private void RunSoftmaxAttention(int layer, ReadOnlySpan<SequenceChunk> chunks, int T)
    {
        var layerWeights = weights.Layers[layer];
        var (heads, keyValueHeads, headDim) = (Config.NumAttentionHeads, Config.NumKeyValueHeads, Config.HeadDim);
        buffers.Jobs[0] = new MatMulJob(layerWeights.QProj, buffers.Normed, 0, buffers.Qkv, 0, T);
        buffers.Jobs[1] = new MatMulJob(layerWeights.KProj, buffers.Normed, 0, buffers.Keys, 0, T);
        buffers.Jobs[2] = new MatMulJob(layerWeights.VProj, buffers.Normed, 0, buffers.Values, 0, T);
        MatMul.Multiply(buffers.Jobs.AsSpan(0, 3), pool);
        Observe(layer, T, buffers.Normed, "q_proj", "k_proj", "v_proj");
        Rope.Rotate(buffers.Qkv, T, heads, headDim, buffers.Cos, buffers.Sin, Config.RotaryDim, pool);
        Rope.Rotate(buffers.Keys, T, keyValueHeads, headDim, buffers.Cos, buffers.Sin, Config.RotaryDim, pool);
        attentionSlices.Clear();
        var row = 0;
        foreach (var (state, tokens) in chunks)
        {
            if (tokens.Length > 0)
            {
                var pages = ((KeyValueState)state.Layers[layer]).Pages;
                pages.Append(buffers.Keys, buffers.Values, row, tokens.Length);
                attentionSlices.Add(new AttentionSlice(pages, row, tokens.Length));
            }

            row += tokens.Length;
        }

        SoftmaxAttention.Forward(CollectionsMarshal.AsSpan(attentionSlices), buffers.Qkv, heads, keyValueHeads, headDim, buffers.Attention, pool);
        Observe(layer, T, buffers.Attention, "o_proj");
        MatMul.Multiply(new MatMulJob(layerWeights.OProj, buffers.Attention, 0, buffers.BlockOutput, 0, T), pool);
    }

    /// <summary>Section 5: y = Σ_k w_k · w2_e(silu(w1_e u) · w3_e u) over the chosen experts, tokens grouped by expert.</summary>
    private void RunExperts(int layer, int T, ForwardTrace? trace)
    {
        var (E, K, H, I) = (Config.NumLocalExperts, Config.NumExpertsPerTok, Config.HiddenSize, Config.IntermediateSize);
        var layerWeights = weights.Layers[layer];
        MatMul.Multiply(new MatMulJob(layerWeights.Router, buffers.Normed, 0, buffers.RouterLogits, 0, T), pool);
        var logits = buffers.RouterLogits.Span[..(T * E)];
        var indices = buffers.RouterIndices.Span[..(T * K)];
        var routerWeights = buffers.RouterWeights.Span[..(T * K)];
        var slots = buffers.Slots.Span[..(T * K)];
        MoeRouting.TopK(logits, K, indices, routerWeights);
        trace?.Record(trace.RouterLogits, layer, logits, E);
        trace?.Record(trace.RouterIndices, layer, indices, K);
        trace?.Record(trace.RouterWeights, layer, routerWeights, K);
        MoeRouting.Group(indices, buffers.ExpertOffsets, slots);
        for (var e = 0; e < E; e++)
        {
            expertTokens[e] += ExpertRows(e).Rows;
        }

        MoeRouting.Gather(buffers.Normed, slots, K, H, buffers.GroupedInput);
        var jobs = 0;
        for (var e = 0; e < E; e++)
        {
            var (first, rows) = ExpertRows(e);
            buffers.Jobs[jobs++] = new MatMulJob(layerWeights.W1[e], buffers.GroupedInput, first * H, buffers.ExpertGate, first * I, rows);
            buffers.Jobs[jobs++] = new MatMulJob(layerWeights.W3[e], buffers.GroupedInput, first * H, buffers.ExpertUp, first * I, rows);
        }

        MatMul.Multiply(buffers.Jobs.AsSpan(0, jobs), pool);
        Elementwise.SiluMultiply(buffers.ExpertGate, buffers.ExpertUp, T * K * I, pool);
        ObserveExperts(layer);
        // silu(w1 u) · w3 u has long tails: one int8 term for 32 features loses more here than anywhere else (docs/kernels.md).
        for (var e = 0; e < E; e++)
        {
            var (first, rows) = ExpertRows(e);
            buffers.Jobs[e] = new MatMulJob(layerWeights.W2[e], buffers.ExpertGate, first * I, buffers.ExpertOutput, first * H, rows, fineInputs: true);
        }

        MatMul.Multiply(buffers.Jobs.AsSpan(0, E), pool);
        MoeRouting.Combine(buffers.ExpertOutput, buffers.Slots, buffers.RouterWeights, T, K, H, buffers.BlockOutput, pool);
        if (!layerWeights.SharedGate.IsEmpty)
        {
            BlendSharedMlp(layer, T);
        }
    }

    private (int First, int Rows) ExpertRows(int expert) =>
        (buffers.ExpertOffsets[expert], buffers.ExpertOffsets[expert + 1] - buffers.ExpertOffsets[expert]);

    /// <summary>Section 5: c = sigmoid(coefficient · u); y = (1 − c) · y_moe + c · shared_mlp(u). Its width is the tensor's.</summary>
    private void BlendSharedMlp(int layer, int T)
    {
        var layerWeights = weights.Layers[layer];
        var coefficient = Weight.From(vectors[layer].Coefficient, 1, Config.HiddenSize);
        buffers.Jobs[0] = new MatMulJob(layerWeights.SharedGate, buffers.Normed, 0, buffers.ExpertGate, 0, T);
        buffers.Jobs[1] = new MatMulJob(layerWeights.SharedUp, buffers.Normed, 0, buffers.ExpertUp, 0, T);
        buffers.Jobs[2] = new MatMulJob(coefficient, buffers.Normed, 0, buffers.SharedCoefficient, 0, T);
        MatMul.Multiply(buffers.Jobs.AsSpan(0, 3), pool);
        Elementwise.SiluMultiply(buffers.ExpertGate, buffers.ExpertUp, T * layerWeights.SharedGate.Rows, pool);
        MatMul.Multiply(new MatMulJob(layerWeights.SharedDown, buffers.ExpertGate, 0, buffers.ExpertOutput, 0, T), pool);
        MoeRouting.BlendShared(buffers.BlockOutput, buffers.ExpertOutput, buffers.SharedCoefficient.Span[..T], Config.HiddenSize, pool);
    }

    private void Observe(int layer, int T, AlignedBuffer<float> x, params ReadOnlySpan<string> projections)
    {
        if (Inputs is not null)
        {
            var width = ReferenceEquals(x, buffers.Normed) ? Config.HiddenSize : Config.NumAttentionHeads * Config.HeadDim;
            foreach (var projection in projections)
            {
                Inputs.Add(WeightMap.Layer(layer, $"self_attn.{projection}"), x.Span[..(T * width)], width, experts: 1);
            }
        }
    }

    private void ObserveExperts(int layer)
    {
        for (var e = 0; Inputs is not null && e < Config.NumLocalExperts; e++)
        {
            var ((first, rows), H, I) = (ExpertRows(e), Config.HiddenSize, Config.IntermediateSize);
            var input = buffers.GroupedInput.Span.Slice(first * H, rows * H);
            Inputs.Add(WeightMap.Expert(layer, e, "w1"), input, H, Config.NumLocalExperts);
            Inputs.Add(WeightMap.Expert(layer, e, "w3"), input, H, Config.NumLocalExperts);
            Inputs.Add(WeightMap.Expert(layer, e, "w2"), buffers.ExpertGate.Span.Slice(first * I, rows * I), I, Config.NumLocalExperts);
        }
    }
}
