using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public sealed class SyntheticCheckpointTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.02, -2.053748910631823)]
    [InlineData(0.001, -3.090232306167813)]
    [InlineData(0.75, 0.6744897501960817)]
    public void Quantiles_are_those_of_the_normal_distribution(double p, double expected) =>
        Assert.Equal(expected, NormalTable.Quantile(p), tolerance: 1e-8);

    [Fact]
    public void Weights_have_the_documented_distribution()
    {
        foreach (var tensor in Make(seed: 3, DType.F32))
        {
            var values = Values(tensor);
            var mean = values.Average();
            var variance = values.Average(x => (x - mean) * (x - mean));
            var (expectedMean, expectedVariance) = tensor switch
            {
                { Name: "model.embed_tokens.weight" } => (0, 1),
                { Shape.Length: 1 } => (1, 0.04),
                _ => (0, 1.0 / tensor.Shape[1]),
            };
            var deviation = Math.Sqrt(expectedVariance);
            Assert.True(Math.Abs(mean - expectedMean) < 5 * deviation / Math.Sqrt(values.Length), $"{tensor.Name}: mean {mean}");
            Assert.True(Math.Abs((variance / expectedVariance) - 1) < 7 / Math.Sqrt(values.Length), $"{tensor.Name}: variance {variance}");
        }
    }

    [Fact]
    public void Tensors_are_independent_of_each_other()
    {
        var tensors = Make(seed: 3, DType.F32).Where(tensor => tensor.Shape.Length == 2).Take(20).Select(Values).ToList();
        for (var a = 0; a < tensors.Count; a++)
        {
            for (var b = 0; b < a; b++)
            {
                var correlation = tensors[a].Zip(tensors[b], (x, y) => x * y).Average()
                    / Math.Sqrt(tensors[a].Average(x => x * x) * tensors[b].Average(x => x * x));
                Assert.True(Math.Abs(correlation) < 5 / Math.Sqrt(Math.Min(tensors[a].Length, tensors[b].Length)), $"{a}, {b}: {correlation}");
            }
        }
    }

    [Fact]
    public void A_seed_gives_one_checkpoint_and_another_seed_another()
    {
        var first = Make(seed: 7, DType.BF16, shardBytes: 200_000);
        var second = Make(seed: 7, DType.BF16, shardBytes: 5_000_000);
        var third = Make(seed: 8, DType.BF16);
        Assert.All(first.Zip(second), pair => Assert.Equal(pair.First.Data, pair.Second.Data));
        Assert.All(first.Zip(third), pair => Assert.NotEqual(pair.First.Data, pair.Second.Data));
    }

    [Fact]
    public void Two_runs_write_identical_files()
    {
        foreach (var name in new[] { "a", "b" })
        {
            Write(folder[name], seed: 1, DType.F16, shardBytes: 400_000);
        }

        var files = Directory.GetFiles(folder["a"]).Select(Path.GetFileName).ToList();
        Assert.True(files.Count > 5);
        byte[] Read(string run, string? file) => File.ReadAllBytes(Path.Combine(folder[run], file!));
        Assert.All(files, file => Assert.Equal(Read("a", file), Read("b", file)));
    }

    [Fact]
    public void Another_dtype_holds_the_same_numbers_rounded()
    {
        var exact = Make(seed: 7, DType.F32);
        Assert.All(exact.Zip(Make(seed: 7, DType.BF16)), pair => AssertClose(pair.First, pair.Second, relative: 1f / 256));
        Assert.All(exact.Zip(Make(seed: 7, DType.F16)), pair => AssertClose(pair.First, pair.Second, relative: 1f / 2048));
        Assert.All(
            Make(seed: 7, DType.BF16),
            tensor => Assert.Equal(tensor.Name.EndsWith("moe.gate.weight", StringComparison.Ordinal) ? DType.F32 : DType.BF16, tensor.Type));
    }

    [Fact]
    public void A_range_of_a_tensor_is_the_same_whatever_was_made_before()
    {
        var table = new NormalTable(DType.BF16, mean: 0, deviation: 1);
        var key = NormalTable.StreamKey(5, "x");
        var whole = new byte[2 * 1003];
        table.Fill(key, 0, whole);
        var part = new byte[2 * 203];
        table.Fill(key, 800, part);
        Assert.Equal(whole[1600..], part);
    }

    [Theory]
    [InlineData("tiny", 814_592)]
    [InlineData("bench-2b", 2_027_855_360)]
    [InlineData("m1-pair", 3_095_533_568)]
    public void Presets_have_their_size(string preset, long parameters)
    {
        var c = SyntheticPresets.All[preset];
        Assert.Equal(parameters, new SyntheticCheckpoint(c, 0, DType.BF16).ParameterCount);

        // The formula of specification section 10.
        long H = c.HiddenSize, AD = c.NumAttentionHeads * c.HeadDim, KVD = c.NumKeyValueHeads * c.HeadDim;
        long E = c.NumLocalExperts, L = c.NumHiddenLayers, I = c.IntermediateSize, V = c.VocabSize;
        Assert.Equal(
            parameters,
            (2 * V * H) + H + (L * ((2 * H) + (E * H) + (3 * E * I * H))) + ((L - 1) * ((5 * AD * H) + AD)) + (2 * AD * H) + (2 * KVD * H));
        Assert.Equal((L, 1, AttentionKind.Softmax), (c.AttnTypeList.Length, c.CountLayers(AttentionKind.Softmax), c.AttnTypeList[^1]));
    }

    [Fact]
    public async Task Cancellation_leaves_nothing()
    {
        using var source = new CancellationTokenSource();
        var checkpoint = new SyntheticCheckpoint(SyntheticPresets.All["tiny"], 0, DType.F32);
        var progress = new Callback(bytes =>
        {
            if (bytes > checkpoint.TotalBytes / 2)
            {
                Assert.NotEmpty(Directory.GetFiles(folder["new"], "*.tmp"));
                source.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => checkpoint.WriteAsync(folder["new"], 500_000, progress, source.Token));
        Assert.False(Directory.Exists(folder["new"]));
    }

    private static float[] Values(StoredTensor tensor)
    {
        var values = new float[tensor.Data.Length / tensor.Type.ByteSize()];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = tensor.Type switch
            {
                DType.F32 => BitConverter.ToSingle(tensor.Data, 4 * i),
                DType.F16 => (float)BitConverter.ToHalf(tensor.Data, 2 * i),
                _ => BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(tensor.Data, 2 * i) << 16),
            };
        }

        return values;
    }

    private static void AssertClose(StoredTensor expected, StoredTensor actual, float relative)
    {
        var (x, y) = (Values(expected), Values(actual));
        for (var i = 0; i < x.Length; i++)
        {
            // Half precision has subnormals below 6e-5.
            Assert.True(Math.Abs(x[i] - y[i]) <= (Math.Abs(x[i]) * relative) + 3e-8f, $"{expected.Name}[{i}]: {x[i]} and {y[i]}");
        }
    }

    private static void Write(string path, ulong seed, DType type, long shardBytes) =>
        new SyntheticCheckpoint(SyntheticPresets.All["tiny"], seed, type).WriteAsync(path, shardBytes).GetAwaiter().GetResult();

    private static List<StoredTensor> Make(ulong seed, DType type, long shardBytes = 5_000_000)
    {
        using var target = new ScratchFolder();
        Write(target.Path, seed, type, shardBytes);
        return StoredCheckpoint.Read(target.Path);
    }

    private sealed class Callback(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }
}
