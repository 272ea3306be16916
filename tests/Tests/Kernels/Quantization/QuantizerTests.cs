using System.Runtime.InteropServices;
using CsCheck;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class QuantizerTests
{
    private const int GoldenColumns = 1024;

    public static IEnumerable<TheoryDataRow<DType>> Types => new[] { DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K }.Select(type => new TheoryDataRow<DType>(type));

    [Theory]
    [MemberData(nameof(Types))]
    public void Dequantised_blocks_have_the_bits_of_ggml(DType type)
    {
        var (_, blocks, expected) = Golden(type);
        Assert.Equal(expected, Dequantize(type, blocks));
    }

    [Theory]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.Q4_0)]
    public void Simple_formats_quantise_bit_for_bit_like_ggml(DType type)
    {
        var (values, blocks, _) = Golden(type);
        Assert.Equal(blocks, Quantize(type, values));
    }

    [Theory]
    [InlineData(DType.Q4_K)]
    [InlineData(DType.Q6_K)]
    public void Searched_formats_are_about_as_good_as_ggml(DType type)
    {
        var (values, _, theirs) = Golden(type);
        var ratio = Error(values, Dequantize(type, Quantize(type, values))) / Error(values, theirs);
        Assert.True(ratio < 1.03, $"{type}: RMS error is {ratio:F3} of ggml's");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Errors_stay_within_the_step_of_the_block(DType type)
    {
        // Half a step of the whole range, plus what the rounding of scales and minima (2^-11 as f16, 1 of 63, 1 of 128) can add.
        var bound = type switch { DType.Q8_0 => 0.00443, DType.Q4_0 => 0.126, DType.Q4_K => 0.2, _ => 0.035 };
        Gen.Float[-1, 1].Array[256].Sample(
            values =>
            {
                var restored = Dequantize(type, Quantize(type, values));
                for (var i = 0; i < values.Length; i++)
                {
                    Assert.True(Math.Abs(values[i] - restored[i]) <= bound, $"{type} element {i}: {values[i]} became {restored[i]}");
                }
            },
            iter: 200);
    }

    [Theory]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.Q4_0)]
    public void Quantising_again_changes_nothing(DType type)
    {
        Gen.Float[-2, 2].Array[256].Sample(
            values =>
            {
                var once = Dequantize(type, Quantize(type, values));
                Assert.Equal(once, Dequantize(type, Quantize(type, once)));
            },
            iter: 200);
    }

    [Theory]
    [InlineData(DType.Q4_0)]
    [InlineData(DType.Q4_K)]
    [InlineData(DType.Q6_K)]
    public void Important_columns_lose_less(DType type)
    {
        var (values, _, _) = Golden(type);
        var importance = new float[values.Length];
        for (var i = 0; i < importance.Length; i++)
        {
            importance[i] = i % 8 == 0 ? 100 : 0.01f;
        }

        var blocks = new byte[type.RowBytes(values.Length)];
        Quantizer.Quantize(type, values, importance, blocks);
        var weighted = Error(values, Dequantize(type, blocks), importance);
        var plain = Error(values, Dequantize(type, Quantize(type, values)), importance);
        Assert.True(weighted < 0.9 * plain, $"{type}: {weighted:E2} with importance, {plain:E2} without");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Zeros_and_a_row_of_blocks_in_place_are_exact(DType type)
    {
        Assert.All(Dequantize(type, Quantize(type, new float[512])), value => Assert.Equal(0, value));
        var (_, blocks, expected) = Golden(type);
        using var buffer = new AlignedBuffer<byte>(2 * blocks.Length);
        blocks.CopyTo(buffer.Span[blocks.Length..]);
        var weight = Weight.From(buffer, type, 2, GoldenColumns);
        Assert.Equal(2 * blocks.Length, weight.ByteCount);
        Assert.Equal(expected, weight.Slice(1, 1).ToArray());
        Assert.True(weight.RowBytesAt(1).SequenceEqual(blocks));
    }

    [Fact]
    public void Rows_that_end_inside_a_block_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => DType.Q8_0.RowBytes(33));
        Assert.Throws<ArgumentOutOfRangeException>(() => DType.Q4_K.RowBytes(128));
        Assert.Throws<ArgumentOutOfRangeException>(() => DType.Q4_K.ByteSize());
        Assert.Throws<ArgumentOutOfRangeException>(() => Quantize(DType.BF16, new float[32]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Quantizer.Quantize(DType.Q4_0, new float[32], new float[31], new byte[18]));
    }

    private static (float[] Values, byte[] Blocks, float[] Dequantised) Golden(DType type)
    {
        var bytes = File.ReadAllBytes(Fixtures.Golden($"quantization/{type.ToString().ToLowerInvariant().Replace("k", "K", StringComparison.Ordinal)}.bin")).AsSpan();
        const int plain = GoldenColumns * sizeof(float);
        return (MemoryMarshal.Cast<byte, float>(bytes[..plain]).ToArray(), bytes[plain..^plain].ToArray(), MemoryMarshal.Cast<byte, float>(bytes[^plain..]).ToArray());
    }

    private static byte[] Quantize(DType type, float[] values)
    {
        var blocks = new byte[type.RowBytes(values.Length)];
        Quantizer.Quantize(type, values, [], blocks);
        return blocks;
    }

    private static float[] Dequantize(DType type, byte[] blocks)
    {
        var values = new float[blocks.Length / type.BlockBytes() * type.BlockElements()];
        Dequantizer.Dequantize(type, blocks, values);
        return values;
    }

    private static double Error(float[] expected, float[] actual, float[]? weights = null)
    {
        var error = 0.0;
        for (var i = 0; i < expected.Length; i++)
        {
            error += (weights?[i] ?? 1) * Math.Pow(expected[i] - actual[i], 2);
        }

        return Math.Sqrt(error);
    }
}
