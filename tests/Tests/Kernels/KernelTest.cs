using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

/// <summary>Tests in this collection force an instruction path, so nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class IsaCollection
{
    public const string Name = "instruction paths";
}

/// <summary>Base of kernel tests: seeded data, every instruction path of this CPU, relative RMS comparison.</summary>
[Collection(IsaCollection.Name)]
public abstract class KernelTest : IDisposable
{
    private readonly IsaPath original = Isa.Path;

    protected static ComputePool Pool { get; } = new(2);

    public static IEnumerable<TheoryDataRow<IsaPath>> Paths => Isa.Supported.Select(path => new TheoryDataRow<IsaPath>(path));

    public void Dispose()
    {
        Isa.Force(original);
        GC.SuppressFinalize(this);
    }

    protected static AlignedBuffer<float> RandomBuffer(int length, int seed, float scale = 1)
    {
        var random = new Random(seed);
        var buffer = new AlignedBuffer<float>(length);
        foreach (ref var value in buffer.Span)
        {
            value = ((float)random.NextDouble() - 0.5f) * 2 * scale;
        }

        return buffer;
    }

    protected static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double error = 0, norm = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            error += Math.Pow((double)expected[i] - actual[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        var ratio = Math.Sqrt(error / Math.Max(norm, 1e-30));
        Assert.True(ratio <= tolerance, $"{what} ({Isa.Path}): relative RMS {ratio:E2} > {tolerance:E1}");
    }
}
