using System.Text.Json;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// A folder with low-rank adapters in the layout of PEFT, mapped in place: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, which holds
/// A [r, in] and B [out, r] of some matrices W [out, in] under the names of <see cref="NameOf"/>. The adapted matrix is W + scale · B · A.
/// </summary>
public sealed class LoraAdapter : IDisposable
{
    /// <summary>Name of the file with rank, alpha and targets.</summary>
    public const string ConfigName = "adapter_config.json";

    /// <summary>Name of the file with the matrices.</summary>
    public const string WeightsName = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.";
    private const string WeightSuffix = ".weight";
    private static readonly string[] unsupported = ["use_dora", "fan_in_fan_out", "modules_to_save", "rank_pattern", "alpha_pattern", "lora_bias"];
    private readonly SafetensorsFile file;

    private LoraAdapter(SafetensorsFile file, int rank, double alpha, double scale, IReadOnlyList<string> targets)
    {
        this.file = file;
        (Rank, Alpha, Scale, Targets) = (rank, alpha, scale, targets);
    }

    /// <summary>Rows of A.</summary>
    public int Rank { get; }

    /// <summary><c>lora_alpha</c> of the configuration.</summary>
    public double Alpha { get; }

    /// <summary>Factor of B · A: alpha / r, or alpha / √r where the configuration says <c>use_rslora</c>.</summary>
    public double Scale { get; }

    /// <summary>Last parts of the names of the adapted matrices, such as <c>qkv_proj</c>.</summary>
    public IReadOnlyList<string> Targets { get; }

    /// <summary>PEFT's name of one half of the adapter of a matrix.</summary>
    /// <param name="weight">Official name, which ends in <c>.weight</c>.</param>
    /// <param name="half">A or B.</param>
    public static string NameOf(string weight, char half) => $"{Prefix}{weight[..^WeightSuffix.Length]}.lora_{half}{WeightSuffix}";

    /// <summary>Opens a folder.</summary>
    /// <exception cref="InvalidInputException">A file is missing or malformed, or the adapter is of a kind that is not supported.</exception>
    public static LoraAdapter Open(string folder)
    {
        var (rank, alpha, rankStabilized, targets) = ReadConfig(Path.Combine(folder, ConfigName));
        return new LoraAdapter(SafetensorsFile.Open(Path.Combine(folder, WeightsName)), rank, alpha, alpha / (rankStabilized ? Math.Sqrt(rank) : rank), targets);
    }

    /// <summary>Refuses an adapter that was not made for this model.</summary>
    /// <param name="stored">The weights by official name.</param>
    /// <exception cref="InvalidInputException">A tensor has no place in the model, or another shape.</exception>
    public void CheckFits(IReadOnlyDictionary<string, Weight> stored)
    {
        var expected = new Dictionary<string, long[]>(StringComparer.Ordinal);
        foreach (var (name, weight) in stored)
        {
            if (name.EndsWith(WeightSuffix, StringComparison.Ordinal))
            {
                expected.Add(NameOf(name, 'A'), [Rank, weight.Columns]);
                expected.Add(NameOf(name, 'B'), [weight.Rows, Rank]);
            }
        }

        foreach (var (name, entry) in file.Entries)
        {
            if (!expected.TryGetValue(name, out var shape))
            {
                throw Foreign($"{name} has no matrix there");
            }

            if (!entry.Shape.SequenceEqual(shape))
            {
                throw Foreign($"{name} is {SafetensorsEntry.Text(entry.Shape)}, and the model asks for {SafetensorsEntry.Text(shape)}");
            }

            if (!file.Entries.ContainsKey(Other(name)))
            {
                throw Foreign($"{name} is without {Other(name)}");
            }
        }
    }

    /// <summary>What the adapter adds to a matrix; null when it leaves the matrix alone.</summary>
    /// <param name="name">Official name.</param>
    public LoraDelta? Of(string name) => name.EndsWith(WeightSuffix, StringComparison.Ordinal) && file.Entries.ContainsKey(NameOf(name, 'A'))
        ? new LoraDelta(file.ReadF32(NameOf(name, 'A')), file.ReadF32(NameOf(name, 'B')), Rank, (float)Scale)
        : null;

    /// <summary>Values of one half of an adapter, row by row.</summary>
    /// <param name="name">The name in the file, see <see cref="NameOf"/>.</param>
    /// <param name="shape">Its shape in the model.</param>
    /// <exception cref="InvalidInputException">It is missing, or of another size.</exception>
    public float[] ReadF32(string name, ReadOnlySpan<long> shape) => file.Entry(name).Shape.AsSpan().SequenceEqual(shape)
        ? file.ReadF32(name)
        : throw Foreign($"{name} is {SafetensorsEntry.Text(file.Entry(name).Shape)}, and the model asks for {SafetensorsEntry.Text(shape.ToArray())}");

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private InvalidInputException Foreign(string why) => new($"{file.Path} does not fit this model: {why}. Give the model that the adapter was trained on.");

    private static string Other(string name) => name.Contains(".lora_A.", StringComparison.Ordinal)
        ? name.Replace(".lora_A.", ".lora_B.", StringComparison.Ordinal)
        : name.Replace(".lora_B.", ".lora_A.", StringComparison.Ordinal);

    private static (int Rank, double Alpha, bool RankStabilized, string[] Targets) ReadConfig(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = json.RootElement;
            if (Array.Find(unsupported, field => root.TryGetProperty(field, out var value) && IsSet(value)) is { } field)
            {
                throw new InvalidInputException($"{path} sets {field}, which is not supported. Merge the adapter with the program that made it.");
            }

            var (rank, alpha) = (root.GetProperty("r").GetInt32(), root.GetProperty("lora_alpha").GetDouble());
            if (rank < 1 || !double.IsFinite(alpha))
            {
                throw new InvalidInputException($"{path}: r is {rank} and lora_alpha {alpha}; r must be at least 1.");
            }

            var rankStabilized = root.TryGetProperty("use_rslora", out var stabilized) && stabilized.ValueKind == JsonValueKind.True;
            return (rank, alpha, rankStabilized, [.. root.GetProperty("target_modules").EnumerateArray().Select(static target => target.GetString()!)]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException
            or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException($"{path} is no LoRA configuration: {exception.Message} It needs r, lora_alpha and target_modules.", exception);
        }
    }

    private static bool IsSet(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        _ => true,
    };
}
