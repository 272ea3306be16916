using MiniMaxSharp.Kernels;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <content>The layers.</content>
public sealed partial class MiniMaxM1Module
{
    /// <summary>One layer: attention, then experts, each on the norm of the stream before it.</summary>
    private (ResidualStream Stream, Tensor RouterLogits, int[] ExpertCounts) RunLayer(
        int l, ResidualStream stream, PackedDocuments documents, (Tensor Cos, Tensor Sin) rotation)
    {
        var (layer, kind) = (Lora is null ? layers[l] : LayerOf(l), Config.AttnTypeList[l]);
        var (u, residual) = Normalize(stream, layer.InputLayernorm);
        var attention = layer.Lightning is { } lightning
            ? ops.LightningAttention(lightning, u, slopes[l], documents.Boundaries, Config.HeadDim, LightningNormEps)
            : SoftmaxAttention(layer.Softmax!, u, documents, rotation);
        stream = new ResidualStream(residual, Config.AttentionAlpha(kind), attention, Config.AttentionBeta(kind));
        (u, residual) = Normalize(stream, layer.PostAttentionLayernorm);
        var (y, logits, routes) = MixtureOfExperts(layer, u, documents.Routes?[l]);
        if (layer.Shared is { } shared)
        {
            var c = sigmoid(ops.Linear(u, shared.Coefficient, keepF32: true));
            y = ((1 - c) * y) + (c * ops.SharedMlp(u, shared.GateProj, shared.UpProj, shared.DownProj));
        }

        return (new ResidualStream(residual, Config.LayernormMlpAlpha, y, Config.LayernormMlpBeta), logits, routes.Counts());
    }

    /// <summary>The norm of the stream, and the residual that goes on: the norm itself (post-norm) or the stream.</summary>
    private (Tensor Normed, Tensor Residual) Normalize(ResidualStream stream, Tensor weight)
    {
        if (Config.Postnorm)
        {
            var normed = ops.AddNorm(stream.Base, stream.Alpha, stream.Added, stream.Beta, weight, Config.RmsNormEps);
            return (normed, normed);
        }

        var sum = stream.Added is { } added ? (stream.Base * stream.Alpha) + (added * stream.Beta) : stream.Base;
        return (ops.AddNorm(sum, 1, null, 0, weight, Config.RmsNormEps), sum);
    }

    private (Tensor Y, Tensor Logits, ExpertRoutes Routes) MixtureOfExperts(LayerParameters layer, Tensor u, int[]? routed)
    {
        var logits = ops.Linear(u, layer.Router, keepF32: true);
        var (N, E, K) = ((int)u.shape[0], Config.NumLocalExperts, Config.NumExpertsPerTok);
        var chosen = TopExperts(logits.Values(), N, E, K);
        for (var i = 0; routed is not null && i < chosen.Length; i++)
        {
            chosen[i] = routed[i] >= 0 ? routed[i] : chosen[i];
        }

        var routing = nn.functional.softmax(logits.gather(1, tensor(chosen, [N, K], int64)), -1);
        var routes = new ExpertRoutes(chosen, E, K);
        return (ops.Experts(layer.Experts, u, routing, routes), logits, routes);
    }

    /// <summary>The K largest logits of each token, descending; the lower expert id first when two are equal.</summary>
    private static int[] TopExperts(ReadOnlySpan<float> logits, int N, int E, int K)
    {
        var chosen = new int[N * K];
        for (var n = 0; n < N; n++)
        {
            var row = logits.Slice(n * E, E);
            var mine = chosen.AsSpan(n * K, K);
            for (var k = 0; k < K; k++)
            {
                var best = -1;
                for (var e = 0; e < E; e++)
                {
                    if ((best < 0 || row[e] > row[best]) && !mine[..k].Contains(e))
                    {
                        best = e;
                    }
                }

                mine[k] = best;
            }
        }

        return chosen;
    }

    /// <summary>Softmax attention within each document (specification section 4).</summary>
    private Tensor SoftmaxAttention(SoftmaxWeights w, Tensor u, PackedDocuments documents, (Tensor Cos, Tensor Sin) rotation)
    {
        var (N, A, KV, D) = (u.shape[0], Config.NumAttentionHeads, Config.NumKeyValueHeads, Config.HeadDim);
        var q = Rotate(ops.Linear(u, w.QProj).view(N, A, D), rotation);
        var k = Rotate(ops.Linear(u, w.KProj).view(N, KV, D), rotation);
        var v = ops.Linear(u, w.VProj).view(N, KV, D);
        var parts = new List<Tensor>();
        foreach (var (start, count, length) in documents.EqualRuns())
        {
            Tensor Heads(Tensor x, int repeat)
            {
                var heads = x.narrow(0, start, (long)count * length).view(count, length, -1, D).transpose(1, 2);
                return repeat == 1 ? heads : heads.repeat_interleave(repeat, 1);
            }

            var o = nn.functional.scaled_dot_product_attention(Heads(q, 1), Heads(k, A / KV), Heads(v, A / KV), is_casual: true);
            parts.Add(o.transpose(1, 2).reshape((long)count * length, A * D));
        }

        return ops.Linear(parts.Count == 1 ? parts[0] : cat(parts, 0), w.OProj);
    }

    /// <summary>Turns the first R dimensions of x [N, heads, D]; cos and sin are [N, 1, R/2].</summary>
    private Tensor Rotate(Tensor x, (Tensor Cos, Tensor Sin) rotation)
    {
        var (half, rest) = (Config.RotaryDim / 2, Config.HeadDim - Config.RotaryDim);
        Tensor first = x.narrow(2, 0, half), second = x.narrow(2, half, half);
        var turned = new List<Tensor>
        {
            (first * rotation.Cos) - (second * rotation.Sin),
            (second * rotation.Cos) + (first * rotation.Sin),
        };
        if (rest > 0)
        {
            turned.Add(x.narrow(2, Config.RotaryDim, rest));
        }

        return cat(turned, 2);
    }

    /// <summary>cos and sin [N, 1, R/2] of each token's position in its document.</summary>
    private (Tensor Cos, Tensor Sin) Rotation(PackedDocuments documents)
    {
        var frequencies = Rope.InverseFrequencies(Config.RotaryDim, Config.RopeTheta);
        var half = frequencies.Length;
        float[] cos = new float[documents.Count * half], sin = new float[cos.Length];
        for (var i = 0; i < documents.Boundaries.Length - 1; i++)
        {
            for (var t = documents.Boundaries[i]; t < documents.Boundaries[i + 1]; t++)
            {
                Rope.Angles(t - documents.Boundaries[i], frequencies, cos.AsSpan(t * half, half), sin.AsSpan(t * half, half));
            }
        }

        return (cos.ToTensor(documents.Count, 1, half), sin.ToTensor(documents.Count, 1, half));
    }

    /// <summary>
    /// A layer that keeps only its input. The backward pass runs it again with gradients and lets its parameters collect theirs.
    /// </summary>
    private (ResidualStream Stream, Tensor RouterLogits, int[] ExpertCounts) CheckpointedLayer(
        int l, ResidualStream stream, PackedDocuments documents, (Tensor Cos, Tensor Sin) rotation)
    {
        int[] counts = [];
        var (alpha, beta) = (0f, 0f);
        var outputs = CheckpointFunction.Apply(stream.Added is null ? [stream.Base] : [stream.Base, stream.Added], inputs =>
        {
            var start = new ResidualStream(inputs[0], stream.Alpha, inputs.Length > 1 ? inputs[1] : null, stream.Beta);
            (var end, var logits, counts) = RunLayer(l, start, documents, rotation);
            (alpha, beta) = (end.Alpha, end.Beta);
            return [end.Base, end.Added!, logits];
        });
        return (new ResidualStream(outputs[0], alpha, outputs[1], beta), outputs[2], counts);
    }

    /// <summary>The stream alpha · base + beta · added; the sum is taken together with the next norm.</summary>
    private readonly record struct ResidualStream(Tensor Base, float Alpha, Tensor? Added, float Beta);
}
