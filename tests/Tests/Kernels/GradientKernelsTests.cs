using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public sealed class GradientKernelsTests : IDisposable
{
    private readonly GradientKernels kernels = new(2);

    public void Dispose() => kernels.Dispose();

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 63, 65)]
    [InlineData(65, 64, 33)]
    [InlineData(257, 600, 7)]
    [InlineData(300, 31, 130)]
    public void Linear_and_its_gradients_are_those_of_the_reference(int T, int K, int N)
    {
        float[] x = Values(T * K, 1), w = Values(N * K, 2), dy = Values(T * N, 3);
        float[] y = new float[T * N], dx = new float[T * K], dw = new float[N * K];
        kernels.Linear(x, w, y, T, K, N, roundToBf16: false);
        kernels.LinearInputGradient(dy, w, dx, T, K, N, add: false, roundToBf16: false);
        kernels.LinearWeightGradient(dy, x, dw, T, K, N);
        float[] expected = new float[T * N], expectedDx = new float[T * K], expectedDw = new float[N * K];
        GradientKernels.LinearReference(x, w, expected, T, K, N);
        GradientKernels.LinearReference(dy, Transposed(w, N, K), expectedDx, T, N, K);
        GradientKernels.LinearReference(Transposed(dy, T, N), Transposed(x, T, K), expectedDw, N, T, K);
        AssertClose(expected, y, "y");
        AssertClose(expectedDx, dx, "dx");
        AssertClose(expectedDw, dw, "dw");
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(2, 16)]
    [InlineData(63, 18)]
    [InlineData(65, 32)]
    [InlineData(257, 56)]
    public void Lightning_and_its_gradient_are_those_of_the_recurrence_in_double(int T, int D)
    {
        const int A = 2;
        float[] slopes = [0.9f, 0.03f];
        int[] documents = T > 5 ? [0, 5, T] : [0, T];
        float[] qkv = Values(T * A * 3 * D, 4), g = Values(T * A * D, 5), o = new float[T * A * D], d = new float[qkv.Length];
        kernels.Lightning(qkv, slopes, documents, o, D);
        kernels.LightningGradient(g, qkv, slopes, documents, d, D);
        var (expected, expectedGradient) = LightningInDouble(qkv, g, slopes, documents, A, D);
        AssertClose(expected, o, "o");
        AssertClose(expectedGradient, d, "dqkv");
    }

    /// <summary>o_t = Σ_{j ≤ t} e^(−s (t−j)) (q_t · k_j) v_j and its gradient, pair by pair.</summary>
    private static (float[] O, float[] Gradient) LightningInDouble(float[] qkv, float[] g, float[] slopes, int[] documents, int A, int D)
    {
        double[] y = [.. qkv.Select(x => x / (1 + Math.Exp(-(double)x)))], o = new double[g.Length], d = new double[qkv.Length];
        for (var document = 0; document < documents.Length - 1; document++)
        {
            for (var h = 0; h < A; h++)
            {
                for (var t = documents[document]; t < documents[document + 1]; t++)
                {
                    for (var j = documents[document]; j <= t; j++)
                    {
                        int q = ((t * A) + h) * 3 * D, k = (((j * A) + h) * 3 * D) + D, v = k + D, at = ((t * A) + h) * D;
                        var decay = Math.Exp(-slopes[h] * (double)(t - j));
                        var (score, dScore) = (0.0, 0.0);
                        for (var i = 0; i < D; i++)
                        {
                            score += decay * y[q + i] * y[k + i];
                            dScore += decay * g[at + i] * y[v + i];
                        }

                        for (var i = 0; i < D; i++)
                        {
                            o[at + i] += score * y[v + i];
                            d[v + i] += score * g[at + i];
                            d[q + i] += dScore * y[k + i];
                            d[k + i] += dScore * y[q + i];
                        }
                    }
                }
            }
        }

        return ([.. o.Select(x => (float)x)], [.. d.Select((x, i) =>
        {
            var s = 1 / (1 + Math.Exp(-(double)qkv[i]));
            return (float)(x * s * (1 + (qkv[i] * (1 - s))));
        })]);
    }

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)((2 * random.NextDouble()) - 1))];
    }

    private static float[] Transposed(float[] values, int rows, int columns) =>
        [.. Enumerable.Range(0, rows * columns).Select(i => values[(i % rows * columns) + (i / rows)])];

    private static void AssertClose(float[] expected, float[] actual, string what)
    {
        var scale = Math.Sqrt(expected.Average(x => (double)x * x));
        var error = Math.Sqrt(expected.Zip(actual, (e, a) => Math.Pow((double)e - a, 2)).Average());
        Assert.True(error <= 1e-6 * Math.Max(scale, 1e-9), $"{what} [{expected.Length}]: relative RMS {error / scale:E2}");
    }
}
