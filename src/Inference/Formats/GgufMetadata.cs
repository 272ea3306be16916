using System.Globalization;

namespace MiniMaxSharp.Inference;

/// <summary>The metadata of a GGUF file by key. Every error names the file, the key and what is expected.</summary>
/// <param name="values">The values.</param>
/// <param name="source">The file.</param>
public sealed class GgufMetadata(IReadOnlyDictionary<string, GgufValue> values, string source)
{
    /// <summary>All values by key, in the order of the file.</summary>
    public IReadOnlyDictionary<string, GgufValue> Values => values;

    /// <summary>The file.</summary>
    public string Source => source;

    /// <summary>The value, or null when the key is absent.</summary>
    public GgufValue? Find(string key) => values.GetValueOrDefault(key);

    /// <summary>A whole number from 0 to 2^31 − 1.</summary>
    /// <exception cref="InvalidInputException">It is absent or something else.</exception>
    public int Int(string key) => OptionalInt(key) ?? throw Missing(key);

    /// <summary>A whole number from 0 to 2^31 − 1, or null when absent.</summary>
    /// <exception cref="InvalidInputException">It is something else.</exception>
    public int? OptionalInt(string key) => Find(key) is not { } value ? null
        : value.Integer is { } number and >= 0 and <= int.MaxValue ? (int)number
        : throw Unexpected(key, value, "a whole number up to 2,147,483,647");

    /// <summary>A finite number.</summary>
    /// <exception cref="InvalidInputException">It is absent or something else.</exception>
    public double Number(string key) => OptionalNumber(key) ?? throw Missing(key);

    /// <summary>A finite number, or null when absent.</summary>
    /// <exception cref="InvalidInputException">It is something else.</exception>
    public double? OptionalNumber(string key) => Find(key) is not { } value ? null
        : value.Number is { } number && double.IsFinite(number) ? number
        : throw Unexpected(key, value, "a finite number");

    /// <summary>A text, or null when absent.</summary>
    /// <exception cref="InvalidInputException">It is something else.</exception>
    public string? OptionalText(string key) => Find(key) is not { } value ? null
        : value.Content as string ?? throw Unexpected(key, value, "a text");

    /// <summary>A list of texts, or null when absent.</summary>
    /// <exception cref="InvalidInputException">It is something else.</exception>
    public string[]? OptionalTexts(string key) => Find(key) is not { } value ? null
        : value.Content as string[] ?? throw Unexpected(key, value, "a list of texts");

    /// <summary>A list of whole numbers or truth values, or null when absent.</summary>
    /// <exception cref="InvalidInputException">It is something else.</exception>
    public long[]? OptionalIntegers(string key) => Find(key) is not { } value ? null
        : value.Integers ?? throw Unexpected(key, value, "a list of whole numbers");

    /// <summary>The error for a value that cannot be used.</summary>
    internal InvalidInputException Unexpected(string key, GgufValue value, string expected) =>
        new($"{source}: {key} is {Show(value)}; {expected} is expected. The file is damaged or of another version; download or convert it again.");

    private static string Show(GgufValue value) => value.Content switch
    {
        string text => $"\"{(text.Length <= 60 ? text : text[..57] + "...")}\"",
        Array list => $"a list of {list.Length} values",
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        var other => other.ToString() ?? "",
    };

    private InvalidInputException Missing(string key) =>
        new($"{source}: the metadata has no {key}. The file is incomplete or of another version; download or convert it again.");
}
