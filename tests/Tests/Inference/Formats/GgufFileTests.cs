using System.Buffers.Binary;
using System.Text;
using CsCheck;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Inference.Formats;

public sealed class GgufFileTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_written_is_read_with_types_shapes_and_values()
    {
        using var file = GgufFile.Open(WriteSample("x.gguf"));
        Assert.Equal((3, 32), (file.Version, file.Alignment));
        Assert.Equal(["general.architecture", "count", "scale", "flag", "words", "numbers", "flags", "nested"], file.Metadata.Values.Keys);
        Assert.Equal("test", file.Metadata.OptionalText("general.architecture"));
        Assert.Equal(7, file.Metadata.Int("count"));
        Assert.Equal(0.5, file.Metadata.Number("scale"));
        Assert.Equal(true, file.Metadata.Find("flag")!.Content);
        Assert.Equal(["a", "", "straße"], file.Metadata.OptionalTexts("words")!);
        Assert.Equal(GgufValueType.Int32, file.Metadata.Find("numbers")!.ElementType);
        Assert.Equal([-1L, 2L], file.Metadata.OptionalIntegers("numbers")!);
        Assert.Equal([1L, 0L], file.Metadata.OptionalIntegers("flags")!);
        var nested = Assert.IsType<GgufValue[]>(file.Metadata.Find("nested")!.Content);
        Assert.Equal(["x", "y"], Assert.IsType<string[]>(nested[1].Content));

        var matrix = file.Matrix("matrix");
        Assert.Equal((2, 3, DType.F32), (matrix.Rows, matrix.Columns, matrix.DType));
        Assert.Equal([1f, 2, 3, 4, 5, 6], matrix.ToArray());
        Assert.Equal([3L, 2L], file.Tensor("matrix").Dimensions);
        Assert.Equal([7f, 8], file.Matrix("stack", 1).ToArray());
        Assert.All(file.Tensors.Values, tensor => Assert.Equal(0, tensor.Offset % 32));
    }

    [Fact]
    public void The_same_input_gives_the_same_bytes_and_no_temporary_file()
    {
        Assert.Equal(File.ReadAllBytes(WriteSample("x.gguf")), File.ReadAllBytes(WriteSample("y.gguf")));
        Assert.Empty(Directory.GetFiles(folder.Path, "*.tmp"));
    }

    [Fact]
    public void An_unfinished_file_leaves_nothing()
    {
        using (var writer = new GgufWriter(folder["x.gguf"], [], [new("a", DType.F32, 4)]))
        {
            writer.Write("a", new byte[8]);
            Assert.Throws<InvalidOperationException>(writer.Complete);
            Assert.Throws<InvalidOperationException>(() => writer.Write("a", new byte[12]));
            Assert.Throws<InvalidOperationException>(() => writer.Write("b", new byte[4]));
        }

        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Version_2_is_read_and_others_are_not()
    {
        var bytes = File.ReadAllBytes(WriteSample("x.gguf"));
        Set(bytes, 4, 2);
        using (var file = Open(bytes))
        {
            Assert.Equal(2, file.Version);
        }

        Set(bytes, 4, 1);
        AssertBad(bytes, "version 1");
        Set(bytes, 4, 0x0300_0000);
        AssertBad(bytes, "big-endian");
    }

    [Fact]
    public void Broken_files_are_refused()
    {
        var valid = File.ReadAllBytes(WriteSample("x.gguf"));
        AssertBad([], "empty");
        AssertBad([.. "GGUX"u8, .. valid[4..]], "does not begin with");
        AssertBad("version https://git-lfs.github.com/spec/v1\n"u8.ToArray(), "Git LFS pointer");
        AssertBad(valid[..^25], "truncated");
        AssertBad(valid[..40], "incomplete");
        AssertBad(With(valid, 8, ulong.MaxValue), "case.gguf");
        AssertBad(With(valid, 16, ulong.MaxValue), "case.gguf");
        AssertBad(With(valid, 24, 1UL << 40), "claims");
    }

    [Theory]
    [InlineData(27u, 1L << 61, 4u, 0UL, "cannot have the dimensions")]
    [InlineData(12u, 100L, 4u, 0UL, "cannot have the dimensions")]
    [InlineData(0u, 4L, 4u, 8UL, "no multiple of the alignment")]
    [InlineData(0u, 4L, 4u, 1UL << 40, "truncated")]
    [InlineData(0u, 4L, 4u, ulong.MaxValue - 31, "truncated")]
    [InlineData(99u, 4L, 4u, 0UL, "type 99")]
    [InlineData(0u, -4L, 4u, 0UL, "has a dimension of")]
    [InlineData(0u, 4L, 9u, 0UL, "9 dimensions")]
    public void Tensors_that_do_not_fit_the_file_are_refused(uint type, long columns, uint rank, ulong offset, string expected)
    {
        var dimensions = Enumerable.Repeat(1L, Math.Min((int)rank, 9) - 1).Prepend(columns).ToArray();
        AssertBad(Header(("a", type, dimensions, offset)), expected);
    }

    [Fact]
    public void Overlaps_and_names_that_stand_twice_are_refused()
    {
        AssertBad(Header(("a", 0, [16], 0), ("b", 0, [4], 32)), "b overlaps tensor a");
        AssertBad(Header(("a", 0, [4], 0), ("a", 0, [4], 32)), "stands twice");
    }

    [Fact]
    public void A_type_that_is_not_supported_is_named()
    {
        using var file = Open(Header(("a", 23, [256, 2], 0)));
        var error = Assert.Throws<InvalidInputException>(() => file.Matrix("a"));
        Assert.Contains("type 23 (IQ4_XS), which is not supported", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_bytes_change_the_answer_is_a_file_or_bad_input()
    {
        var valid = File.ReadAllBytes(WriteSample("x.gguf"));
        var path = folder["mutant.gguf"];
        var edit = Gen.Select(Gen.Int[0, valid.Length - 1], Gen.OneOf(Gen.Byte, Gen.Int[0, 5].Select(i => (byte)new[] { 0, 1, 8, 9, 0x7F, 0xFF }[i])));
        Gen.Select(edit.Array[1, 6], Gen.Int[0, valid.Length]).Sample(
            (edits, length) =>
            {
                var bytes = valid.ToArray();
                foreach (var (at, value) in edits)
                {
                    bytes[at] = value;
                }

                File.WriteAllBytes(path, length % 3 == 0 ? bytes[..length] : bytes);
                try
                {
                    using var file = GgufFile.Open(path);
                    foreach (var (name, tensor) in file.Tensors)
                    {
                        _ = tensor.Shape.Length == 3 ? file.Matrix(name, 0).ToArray() : file.Matrix(name).ToArray();
                    }
                }
                catch (InvalidInputException error)
                {
                    Assert.Contains(path, error.Message, StringComparison.Ordinal);
                }
            },
            iter: 2000,
            threads: 1);
    }

    private static byte[] With(byte[] bytes, int at, ulong value)
    {
        var copy = bytes.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(copy.AsSpan(at), value);
        return copy;
    }

    private static void Set(byte[] bytes, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);

    /// <summary>A file without metadata, with these tensors and 1,024 bytes of data.</summary>
    private static byte[] Header(params (string Name, uint Type, long[] Dimensions, ulong Offset)[] tensors)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)tensors.Length);
        writer.Write(0UL);
        foreach (var (name, type, dimensions, offset) in tensors)
        {
            writer.Write((ulong)name.Length);
            writer.Write(Encoding.UTF8.GetBytes(name));
            writer.Write((uint)dimensions.Length);
            foreach (var size in dimensions)
            {
                writer.Write(size);
            }

            writer.Write(type);
            writer.Write(offset);
        }

        writer.Write(new byte[((stream.Length + 31) / 32 * 32) - stream.Length + 1024]);
        return stream.ToArray();
    }

    private string WriteSample(string name)
    {
        KeyValuePair<string, GgufValue>[] metadata =
        [
            new("general.architecture", GgufValue.Of("test")),
            new("count", GgufValue.Of(7u)),
            new("scale", GgufValue.Of(0.5f)),
            new("flag", GgufValue.Of(true)),
            new("words", GgufValue.Of(["a", "", "straße"])),
            new("numbers", GgufValue.Of([-1, 2])),
            new("flags", GgufValue.Of([true, false])),
            new("nested", new GgufValue(GgufValueType.Array, new[] { GgufValue.Of([1, 2, 3]), GgufValue.Of(["x", "y"]) })),
        ];
        using var writer = new GgufWriter(folder[name], metadata, [new("matrix", DType.F32, 2, 3), new("stack", DType.BF16, 2, 1, 2)]);
        writer.Write("matrix", Bytes(1f, 2, 3));
        writer.Write("matrix", Bytes(4f, 5, 6));
        writer.Write("stack", [0x80, 0x3F, 0, 0x40, 0xE0, 0x40, 0, 0x41]);
        writer.Complete();
        return folder[name];
    }

    private static byte[] Bytes(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private GgufFile Open(byte[] bytes)
    {
        File.WriteAllBytes(folder["case.gguf"], bytes);
        return GgufFile.Open(folder["case.gguf"]);
    }

    private void AssertBad(byte[] bytes, string expected)
    {
        var error = Assert.Throws<InvalidInputException>(() => Open(bytes));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
