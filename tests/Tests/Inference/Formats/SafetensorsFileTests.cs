using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using CsCheck;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Golden_file_is_read()
    {
        using var file = SafetensorsFile.Open(Fixtures.Shared("golden/model/tiny-bf16-sharded/golden/len7.safetensors"));

        Assert.Equal("tiny-bf16-sharded", file.Metadata["variant"]);
        var ids = file.ReadI32("input_ids");
        Assert.Equal(7, ids.Length);
        Assert.All(ids, id => Assert.InRange(id, 0, 511));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], file.ReadI32("positions"));
        Assert.Equal([17L, 7, 64], file.Entry("hidden_states").Shape);
        Assert.Equal(17 * 7 * 64, file.ReadF32("hidden_states").Length);

        // The stored log-probability must follow from the stored logits.
        var logits = file.Matrix("logits").ToArray().AsSpan(0, 512).ToArray();
        var normalizer = Math.Log(logits.Sum(x => Math.Exp(x)));
        Assert.Equal(logits[ids[1]] - normalizer, file.ReadF32("token_logprobs")[0], tolerance: 1e-4);
    }

    [Fact]
    public void Each_dtype_and_rank_is_read()
    {
        byte[] data =
        [
            .. Floats(1.5f, -2f, 3f, 4f, 5f, 6f), .. Halves(0.5f, -65504f), .. Brains(1f, -3f, 0.25f, 8f, -1f, 2f, 7f, 9f),
            .. Bytes<int>([7, -8]), .. Bytes<long>([int.MaxValue, int.MinValue]), .. Floats(42f),
        ];
        var path = Write(
            """
            {"f32":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"f16":{"dtype":"F16","shape":[2],"data_offsets":[24,28]},
            "bf16":{"dtype":"BF16","shape":[2,2,2],"data_offsets":[28,44]},"i32":{"dtype":"I32","shape":[2],"data_offsets":[44,52]},
            "i64":{"dtype":"I64","shape":[2,1],"data_offsets":[52,68]},"scalar":{"dtype":"F32","shape":[],"data_offsets":[68,72]},
            "none":{"dtype":"F32","shape":[0,5],"data_offsets":[72,72]}}
            """,
            data);
        using var file = SafetensorsFile.Open(path);

        var matrix = file.Matrix("f32");
        Assert.Equal((DType.F32, 2, 3), (matrix.DType, matrix.Rows, matrix.Columns));
        Assert.Equal([1.5f, -2f, 3f, 4f, 5f, 6f], matrix.ToArray());
        Assert.Equal((1, 2), (file.Matrix("f16").Rows, file.Matrix("f16").Columns));
        Assert.Equal([0.5f, -65504f], file.ReadF32("f16"));
        Assert.Equal([-1f, 2f, 7f, 9f], file.Matrix("bf16", 1).ToArray());
        Assert.Equal([1f, -3f, 0.25f, 8f, -1f, 2f, 7f, 9f], file.ReadF32("bf16"));
        Assert.Equal([7, -8], file.ReadI32("i32"));
        Assert.Equal([int.MaxValue, int.MinValue], file.ReadI32("i64"));
        Assert.Equal([42f], file.ReadF32("scalar"));
        Assert.Equal(Floats(42f), file.Bytes("scalar"));
        Assert.Empty(file.ReadF32("none"));
    }

    [Fact]
    public void Wrong_requests_name_the_tensor_and_what_it_is()
    {
        var path = Write(
            """
            {"u8":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"odd":{"dtype":"F4","shape":[2],"data_offsets":[4,5]},
            "w":{"dtype":"F16","shape":[2],"data_offsets":[5,9]},"big":{"dtype":"I64","shape":[1],"data_offsets":[9,17]}}
            """,
            [.. new byte[9], .. Bytes<long>([1L << 40])]);
        using var file = SafetensorsFile.Open(path);

        Assert.Equal(4, file.Bytes("u8").Length);
        AssertBad(() => file.ReadF32("u8"), "unknown dtype U8", "convert it");
        AssertBad(() => file.Matrix("odd"), "unknown dtype F4");
        AssertBad(() => file.ReadI32("w"), "dtype F16", "I32 or I64");
        AssertBad(() => file.ReadI32("big"), "1099511627776");
        AssertBad(() => file.Matrix("w", 0), "shape [2]", "three dimensions");
        AssertBad(() => file.Matrix("absent"), "no tensor absent", "4 tensors");
    }

    [Fact]
    public void Files_that_are_not_there_or_empty_are_refused()
    {
        AssertBad(() => SafetensorsFile.Open(folder["absent"]), "does not exist");
        AssertBad(() => SafetensorsFile.Open(folder.Path), "is a folder");
        File.WriteAllBytes(folder["x"], []);
        AssertBad(() => SafetensorsFile.Open(folder["x"]), "is empty", "Download it again");
        File.WriteAllBytes(folder["x"], new byte[8]);
        AssertBad(() => SafetensorsFile.Open(folder["x"]), "too short");
        File.WriteAllText(folder["x"], "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
        AssertBad(() => SafetensorsFile.Open(folder["x"]), "Git LFS pointer", "git lfs pull");
        File.WriteAllText(folder["x"], "<!DOCTYPE html><html>Access denied</html>");
        AssertBad(() => SafetensorsFile.Open(folder["x"]), "100,000,000", "no safetensors file");
    }

    [Theory]
    [InlineData(1000UL, "claims 1,000 bytes", "truncated")]
    [InlineData(100_000_001UL, "claims 100,000,001 bytes", "at most 100,000,000")]
    [InlineData(ulong.MaxValue, "claims 18,446,744,073,709,551,615 bytes", "damaged")]
    public void A_header_length_that_cannot_be_is_refused(ulong length, params string[] expected)
    {
        var bytes = new byte[100];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(folder["x"], bytes);
        AssertBad(() => SafetensorsFile.Open(folder["x"]), expected);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("{", "not valid JSON")]
    [InlineData("{} {}", "not valid JSON")]
    [InlineData("{\"\\ud800\":1}", "not valid JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{\"a\":5}", "tensor a is not a JSON object")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", "two data_offsets")]
    [InlineData("{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}", "dtype is not a text")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", "shape is not a list")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}", "two data_offsets")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "whole numbers")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}", "whole numbers")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "whole numbers")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "no range of bytes")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9223372036854775807]}}", "no range of bytes")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "F32 [3] needs 12 bytes, but its data_offsets hold 8")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", "overflows")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[8,8]}}", "a twice")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}", "b overlaps tensor a by 2")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[6,8]}}", "b begins 2 bytes after the end of tensor a")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}", "a begins 4 bytes after the start")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]}}", "2 bytes follow the last tensor")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[50],\"data_offsets\":[0,50]}}", "truncated: 42 of ")]
    [InlineData("{\"__metadata__\":[]}", "__metadata__ is not a JSON object")]
    [InlineData("{\"__metadata__\":{\"a\":1}}", "__metadata__ entry a is not a text")]
    [InlineData("{\"__metadata__\":{},\"__metadata__\":{}}", "two __metadata__")]
    public void A_malformed_header_is_refused(string header, string expected)
    {
        var path = Write(header, new byte[8]);
        AssertBad(() => SafetensorsFile.Open(path), expected, path, "ownload it again");
    }

    [Fact]
    public void Damaged_headers_never_raise_anything_else()
    {
        const string Header = """
            {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
            "b":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]}}
            """;
        var valid = File.ReadAllBytes(Write(Header, new byte[22]));
        var path = folder["mutated"];
        var edit = Gen.Select(Gen.Int[0, valid.Length - 1], Gen.OneOf(Gen.Byte, Gen.Char["{}[]\",:0129-eE\\u "].Select(c => (byte)c)));
        Gen.Select(edit.Array[1, 6], Gen.Int[0, valid.Length]).Sample(
            (edits, length) =>
            {
                var bytes = valid.ToArray();
                foreach (var (index, value) in edits)
                {
                    bytes[index] = value;
                }

                File.WriteAllBytes(path, length % 4 == 0 ? bytes[..length] : bytes);
                try
                {
                    using var file = SafetensorsFile.Open(path);
                    foreach (var entry in file.Entries.Values.Where(entry => entry.Type is DType.F32 or DType.F16 or DType.BF16))
                    {
                        file.ReadF32(entry.Name);
                    }
                }
                catch (InvalidInputException)
                {
                }
            },
            iter: 3000,
            threads: 1);
    }

    [Fact]
    public void Tensors_beyond_2_GiB_are_read()
    {
        const long Rows = 40_000, Columns = 70_000, Slices = 3, SliceRows = 20_000, SliceColumns = 20_000;
        const long First = 2 * Rows * Columns, Second = First + (2 * Slices * SliceRows * SliceColumns), End = Second + 16;
        var path = Write(
            $$$"""
            {"large":{"dtype":"BF16","shape":[{{{Rows}}},{{{Columns}}}],"data_offsets":[0,{{{First}}}]},
            "packed":{"dtype":"BF16","shape":[{{{Slices}}},{{{SliceRows}}},{{{SliceColumns}}}],"data_offsets":[{{{First}}},{{{Second}}}]},
            "far":{"dtype":"F32","shape":[2,2],"data_offsets":[{{{Second}}},{{{End}}}]}}
            """,
            []);
        using (var stream = new FileStream(path, FileMode.Open))
        {
            var start = stream.Length;
            stream.SetLength(start + End);
            void Put(long offset, byte[] bytes)
            {
                stream.Position = start + offset;
                stream.Write(bytes);
            }

            Put(First - 2, Brains(3f));
            Put(Second - 2, Brains(5f));
            Put(Second, Floats(1f, 2f, 3f, 4f));
        }

        Assert.SkipUnless(IsSparse(path), "This file system does not keep holes.");
        using var file = SafetensorsFile.Open(path);
        var large = file.Matrix("large");
        var row = new float[Columns];
        large.CopyRow((int)Rows - 1, row);
        Assert.Equal([0f, 3f], row[^2..]);
        Assert.Equal(Brains(3f), file.Bytes("large", First - 2, 2));
        file.Matrix("packed", (int)Slices - 1).CopyRow((int)SliceRows - 1, row.AsSpan(0, (int)SliceColumns));
        Assert.Equal(5f, row[SliceColumns - 1]);
        Assert.Equal([1f, 2f, 3f, 4f], file.ReadF32("far"));
        AssertBad(() => file.Bytes("large"), "5,600,000,000 bytes");
        AssertBad(() => file.ReadF32("large"), "too many for one array");
    }

    /// <summary>True when the file of 8 GB occupies almost no disk.</summary>
    private static bool IsSparse(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        using var du = Process.Start(new ProcessStartInfo("du", ["-k", path]) { RedirectStandardOutput = true });
        var kilobytes = long.Parse(du!.StandardOutput.ReadToEnd().Split('\t')[0], CultureInfo.InvariantCulture);
        return kilobytes < 10_000;
    }

    private string Write(string header, ReadOnlySpan<byte> data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var path = folder["test.safetensors"];
        File.WriteAllBytes(path, [.. Bytes<ulong>([(ulong)json.Length]), .. json, .. data]);
        return path;
    }

    private static byte[] Bytes<T>(ReadOnlySpan<T> values)
        where T : unmanaged => MemoryMarshal.AsBytes(values).ToArray();

    private static byte[] Floats(params float[] values) => Bytes<float>(values);

    private static byte[] Halves(params float[] values) => Bytes<Half>([.. values.Select(value => (Half)value)]);

    private static byte[] Brains(params float[] values) =>
        Bytes<ushort>([.. values.Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))]);

    private static void AssertBad(Action action, params string[] parts)
    {
        var error = Assert.Throws<InvalidInputException>(action);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}
