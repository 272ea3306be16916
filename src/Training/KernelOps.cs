using MiniMaxSharp.Kernels;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>
/// The differentiable operations of the model over <see cref="GradientKernels"/>. All tensors are contiguous f32.
/// Legend: N tokens, H hidden, A heads, D head dim, I expert width, E experts, K experts of a token, V vocabulary.
/// </summary>
/// <param name="kernels">Threads and buffers.</param>
/// <param name="roundToBf16">True: matrices are used as rounded to bfloat16, and their gradients go to the f32 masters.</param>
internal sealed class KernelOps(GradientKernels kernels, bool roundToBf16)
{
    /// <summary>x [N, K] · weight [M, K]ᵀ. <paramref name="keepF32"/>: never with rounded weights (routers).</summary>
    public Tensor Linear(Tensor x, Tensor weight, bool keepF32 = false)
    {
        var round = roundToBf16 && !keepF32;
        return KernelFunction.Apply([x, weight], () => Multiply(x, weight, round), dy =>
        {
            var dx = empty_like(x);
            InputGradient(dy, weight, dx, add: false, round);
            return [dx, WeightGradient(dy, x, weight)];
        });
    }

    /// <summary>rms(alpha · r + beta · a; weight); a may be null.</summary>
    public Tensor AddNorm(Tensor r, float alpha, Tensor? a, float beta, Tensor weight, float eps)
    {
        var (x, inverse, rounded) = (empty(0), empty(0), Rounded(weight));
        return KernelFunction.Apply(a is null ? [r, weight] : [r, weight, a], Forward, Backward);

        Tensor Forward()
        {
            (x, inverse) = (empty_like(r), empty(r.shape[0]));
            var u = empty_like(r);
            kernels.AddNorm(r.Values(), alpha, a is null ? [] : a.Values(), beta, rounded.Values(), eps, x.Values(), u.Values(), inverse.Values());
            return u;
        }

        Tensor?[] Backward(Tensor du)
        {
            var (dx, dweight) = (empty_like(r), empty_like(weight));
            kernels.NormGradient(du.Values(), x.Values(), rounded.Values(), inverse.Values(), dx.Values(), dweight.Values());
            var dr = alpha == 1 ? dx : dx * alpha;
            return a is null ? [dr, dweight] : [dr, dweight, beta == 1 ? dx : dx * beta];
        }
    }

    /// <summary>The lightning attention of a layer, from its normalised input u [N, H] to the result of <c>out_proj</c> (specification section 3).</summary>
    public Tensor LightningAttention(LightningWeights w, Tensor u, float[] slopes, int[] documents, int headDim, float eps)
    {
        var (N, width) = (u.shape[0], (long)slopes.Length * headDim);
        var norm = Rounded(w.Norm);
        Tensor? qkv = null, gate = null, o = null, inverse = null, y = null;
        return KernelFunction.Apply([u, w.QkvProj, w.OutputGate, w.Norm, w.OutProj], Forward, Backward);

        Tensor Forward()
        {
            (qkv, gate) = (Multiply(u, w.QkvProj, roundToBf16), Multiply(u, w.OutputGate, roundToBf16));
            (o, inverse, y) = (empty(N, width), empty(N), empty(N, width));
            kernels.Lightning(qkv.Values(), slopes, documents, o.Values(), headDim);
            kernels.GatedNorm(o.Values(), gate.Values(), norm.Values(), eps, y.Values(), inverse.Values());
            return Multiply(y, w.OutProj, roundToBf16);
        }

        Tensor?[] Backward(Tensor dOut)
        {
            using var scope = NewDisposeScope();
            var (dy, dO, dgate, dnorm) = (empty(N, width), empty(N, width), empty(N, width), empty_like(w.Norm));
            InputGradient(dOut, w.OutProj, dy, add: false, roundToBf16);
            kernels.GatedNormGradient(
                dy.Values(), o!.Values(), gate!.Values(), norm.Values(), inverse!.Values(), dO.Values(), dgate.Values(), dnorm.Values());
            var (dqkv, du) = (empty_like(qkv!), empty_like(u));
            kernels.LightningGradient(dO.Values(), qkv!.Values(), slopes, documents, dqkv.Values(), headDim);
            InputGradient(dqkv, w.QkvProj, du, add: false, roundToBf16);
            InputGradient(dgate, w.OutputGate, du, add: true, roundToBf16);
            Tensor[] result = [du, WeightGradient(dqkv, u, w.QkvProj), WeightGradient(dgate, u, w.OutputGate), dnorm, WeightGradient(dOut, y!, w.OutProj)];
            return [.. result.Select(tensor => tensor.MoveToOuterDisposeScope())];
        }
    }

    /// <summary>The experts of a layer: u [N, H] and routing weights [N, K] to y [N, H] (specification section 5).</summary>
    public Tensor Experts(ExpertWeights w, Tensor u, Tensor routing, ExpertRoutes routes)
    {
        var (H, I) = ((int)u.shape[1], (int)w.W1[0].shape[0]);
        Tensor? gate = null, up = null;
        return KernelFunction.Apply([u, routing, .. w.All], Forward, Backward);

        Tensor Forward()
        {
            (gate, up) = (empty(routes.Rows, I), empty(routes.Rows, I));
            var y = empty_like(u);
            kernels.Experts(u.Values(), routing.Values(), routes, w.Matrices(), gate.Values(), up.Values(), y.Values(), H, I, roundToBf16);
            return y;
        }

        Tensor?[] Backward(Tensor dy)
        {
            var (du, drouting) = (empty_like(u), empty_like(routing));
            var gradients = w.EmptyLike();
            kernels.ExpertsGradient(
                dy.Values(), u.Values(), routing.Values(), routes, w.Matrices(), gate!.Values(), up!.Values(), du.Values(), drouting.Values(),
                gradients.Matrices(), H, I, roundToBf16);
            return [du, drouting, .. gradients.All];
        }
    }

    /// <summary>down(silu(gate(u)) · up(u)) of a shared MLP.</summary>
    public Tensor SharedMlp(Tensor u, Tensor gateProj, Tensor upProj, Tensor downProj) =>
        Linear(nn.functional.silu(Linear(u, gateProj)) * Linear(u, upProj), downProj);

    /// <summary>Log-probability [N] of the targets under the head, from the normalised output h [N, H]; targets below 0 give 0.</summary>
    public Tensor TokenLogprobs(Tensor h, Tensor head, int[] targets)
    {
        var (H, logSum) = ((int)h.shape[1], empty(0));
        return KernelFunction.Apply([h, head], Forward, Backward);

        Tensor Forward()
        {
            logSum = empty(targets.Length);
            var logprobs = empty(targets.Length);
            kernels.TokenLogprobs(h.Values(), head.Values(), targets, logprobs.Values(), logSum.Values(), H, roundToBf16);
            return logprobs;
        }

        Tensor?[] Backward(Tensor dlogprobs)
        {
            var (dh, dhead) = (empty_like(h), empty_like(head));
            kernels.TokenLogprobsGradient(
                dlogprobs.Values(), h.Values(), head.Values(), targets, logSum.Values(), dh.Values(), dhead.Values(), H, roundToBf16);
            return [dh, dhead];
        }
    }

    /// <summary>Rows of the embedding, [N, H]; rounded when matrices are.</summary>
    public Tensor Embed(Tensor embedding, int[] ids)
    {
        var rows = embedding.index_select(0, tensor(ids, int64));
        return roundToBf16 ? KernelFunction.Apply([rows], () => rows.bfloat16().to(float32), dy => [dy.clone()]) : rows;
    }

    private Tensor Rounded(Tensor weight) => roundToBf16 ? weight.detach().bfloat16().to(float32) : weight;

    private Tensor Multiply(Tensor x, Tensor weight, bool round)
    {
        var (N, outputs, inputs) = (x.shape[0], weight.shape[0], weight.shape[1]);
        var y = empty(N, outputs);
        kernels.Linear(x.Values(), weight.Values(), y.Values(), (int)N, (int)inputs, (int)outputs, round);
        return y;
    }

    private void InputGradient(Tensor dy, Tensor weight, Tensor dx, bool add, bool round) =>
        kernels.LinearInputGradient(dy.Values(), weight.Values(), dx.Values(), (int)dx.shape[0], (int)weight.shape[1], (int)weight.shape[0], add, round);

    private Tensor WeightGradient(Tensor dy, Tensor x, Tensor weight)
    {
        var gradient = empty_like(weight);
        kernels.LinearWeightGradient(dy.Values(), x.Values(), gradient.Values(), (int)x.shape[0], (int)weight.shape[1], (int)weight.shape[0]);
        return gradient;
    }
}
