using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class MoeRoutingTests : KernelTest
{
    [Theory]
    [MemberData(nameof(Paths))]
    public void Top_k_equals_the_reference_with_softmax_over_all_experts(IsaPath path)
    {
        Isa.Force(path);
        foreach (var (experts, topK) in new[] { (4, 2), (6, 3), (32, 2), (2, 1), (3, 3) })
        {
            const int tokens = 50;
            using var logits = RandomBuffer(tokens * experts, seed: experts, scale: 8);
            int[] indices = new int[tokens * topK], expectedIndices = new int[tokens * topK];
            float[] weights = new float[tokens * topK], expectedWeights = new float[tokens * topK];
            MoeRouting.TopK(logits.Span, topK, indices, weights);
            MoeRouting.TopKReference(logits.Span, topK, expectedIndices, expectedWeights);
            Assert.Equal(expectedIndices, indices);
            AssertClose(expectedWeights, weights, 1e-6, $"E={experts} K={topK}");
        }
    }

    [Fact]
    public void Equal_logits_choose_the_lower_expert_first()
    {
        var indices = new int[2];
        MoeRouting.TopK([1, 5, 5, 5], 2, indices, new float[2]);
        Assert.Equal([1, 2], indices);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Gather_then_combine_sums_each_tokens_experts(IsaPath path)
    {
        Isa.Force(path);
        const int tokens = 37, experts = 5, topK = 3, width = 45;
        using var logits = RandomBuffer(tokens * experts, seed: 1);
        using var x = RandomBuffer(tokens * width, seed: 2);
        using var weights = new AlignedBuffer<float>(tokens * topK);
        using var slots = new AlignedBuffer<int>(tokens * topK);
        using var grouped = new AlignedBuffer<float>(tokens * topK * width);
        using var y = new AlignedBuffer<float>(tokens * width);
        var indices = new int[tokens * topK];
        var offsets = new int[experts + 1];
        MoeRouting.TopK(logits.Span, topK, indices, weights.Span);
        MoeRouting.Group(indices, offsets, slots.Span);
        MoeRouting.Gather(x, slots.Span, topK, width, grouped);
        for (var expert = 0; expert < experts; expert++)
        {
            foreach (ref var value in grouped.Span[(offsets[expert] * width)..(offsets[expert + 1] * width)])
            {
                value *= expert + 1; // "expert e" multiplies by e + 1
            }
        }

        MoeRouting.Combine(grouped, slots, weights, tokens, topK, width, y, Pool);
        var expected = new float[y.Length];
        for (var choice = 0; choice < indices.Length; choice++)
        {
            for (var i = 0; i < width; i++)
            {
                expected[(choice / topK * width) + i] += weights.Span[choice] * (indices[choice] + 1) * x.Span[(choice / topK * width) + i];
            }
        }

        AssertClose(expected, y.Span, 1e-6, "combine");
        Assert.Equal(tokens * topK, offsets[experts]);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Blending_the_shared_mlp_equals_the_reference(IsaPath path)
    {
        Isa.Force(path);
        foreach (var width in new[] { 1, 2, 63, 64, 65, 257 })
        {
            using var y = RandomBuffer(5 * width, seed: width);
            using var shared = RandomBuffer(5 * width, seed: width + 1);
            using var coefficients = RandomBuffer(5, seed: 3, scale: 10);
            var expected = y.Span.ToArray();
            MoeRouting.BlendSharedReference(expected, shared.Span, coefficients.Span);
            MoeRouting.BlendShared(y, shared, coefficients.Span, width, Pool);
            AssertClose(expected, y.Span, 1e-6, $"width {width}");
        }
    }
}
