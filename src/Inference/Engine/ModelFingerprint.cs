using System.Buffers.Binary;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Hashes that tell whether stored states belong to a model: of the model files with what computed them (vector width, rounding, type of keys and values, program version), and of the tokenizer.
/// Weights are sampled, not read: length and <see cref="Samples"/> spread pieces of each file.
/// </summary>
/// <param name="Model">SHA-256 of configuration, weights and program.</param>
/// <param name="Tokenizer">SHA-256 of the tokenizer files.</param>
internal sealed record ModelFingerprint(byte[] Model, byte[] Tokenizer)
{
    private const int Samples = 64;
    private const int SampleBytes = 4096;
    private static readonly string[] weightEndings = [".safetensors", ".gguf", "config.json"];

    /// <summary>The hashes of a checkpoint folder or GGUF file opened with <paramref name="options"/>.</summary>
    public static ModelFingerprint Of(string path, ModelOptions options)
    {
        var files = File.Exists(path) ? [path] : Directory.GetFiles(path).Order(StringComparer.Ordinal).ToArray();
        using var model = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var tokenizer = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var version = typeof(ModelFingerprint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        model.AppendData(Encoding.UTF8.GetBytes($"{version}/{Isa.Path}/{options.BFloat16Inputs}/{options.KeyValueType}"));
        foreach (var file in files)
        {
            var name = Path.GetFileName(file);
            if (weightEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)) && !name.StartsWith("tokenizer", StringComparison.Ordinal))
            {
                Sample(file, model);
            }
            else if (name.StartsWith("tokenizer", StringComparison.Ordinal) || name is "vocab.json" or "merges.txt")
            {
                Sample(file, tokenizer);
            }
        }

        return new ModelFingerprint(model.GetHashAndReset(), tokenizer.GetHashAndReset());
    }

    private static void Sample(string path, IncrementalHash hash)
    {
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file);
        Span<byte> buffer = stackalloc byte[SampleBytes];
        BinaryPrimitives.WriteInt64LittleEndian(buffer, length);
        hash.AppendData(buffer[..sizeof(long)]);
        hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(path)));
        var stride = Math.Max(SampleBytes, length / Samples);
        for (var offset = 0L; offset < length; offset += stride)
        {
            hash.AppendData(buffer[..RandomAccess.Read(file, buffer, offset)]);
        }
    }
}
