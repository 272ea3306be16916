using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Reads the fields of one JSON object by name and remembers which names were asked for.
/// A field that is null counts as absent. Every error names the field, its value and what is supported.
/// </summary>
internal sealed class ConfigFields(JsonElement root, string source, string prefix = "")
{
    private readonly HashSet<string> known = [];

    /// <summary>The error for a value that this implementation cannot honour.</summary>
    public static InvalidInputException Unsupported(string source, string name, string value, string supported) =>
        new($"{source}: {name} is {value}; supported: {supported}.");

    /// <summary>The field, or null when it is absent or null.</summary>
    public JsonElement? Find(string name)
    {
        known.Add(name);
        return root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>Error for a field that is there with an unusable value.</summary>
    public InvalidInputException Unsupported(string name, JsonElement value, string supported) =>
        Unsupported(source, prefix + name, Shorten(value.GetRawText()), supported);

    /// <summary>A whole number, or null when absent.</summary>
    public int? OptionalInt(string name)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number
            : throw Unsupported(name, value, "a whole number up to 2,147,483,647");
    }

    /// <summary>A whole number that must be there.</summary>
    public int Int(string name) =>
        OptionalInt(name) ?? throw new InvalidInputException($"{source}: {prefix}{name} is missing. Add it, or download the file again.");

    /// <summary>A number, or null when absent.</summary>
    public double? OptionalNumber(string name)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Unsupported(name, value, "a finite number");
    }

    /// <summary>A truth value, or the default when absent.</summary>
    public bool Bool(string name, bool absent) => Find(name) switch
    {
        null => absent,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Unsupported(name, value, "true or false"),
    };

    /// <summary>A text, or null when absent.</summary>
    public string? OptionalString(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        { } value => throw Unsupported(name, value, "a text"),
    };

    /// <summary>A list, or null when absent.</summary>
    public JsonElement? OptionalArray(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value => value,
        { } value => throw Unsupported(name, value, "a list"),
    };

    /// <summary>The fields of a nested object, or null when absent.</summary>
    public ConfigFields? OptionalObject(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => new ConfigFields(value, source, $"{prefix}{name}."),
        { } value => throw Unsupported(name, value, "an object"),
    };

    /// <summary>Fields that must be absent, null or false: each would change the forward pass.</summary>
    public void MustBeOff(ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Find(name) is { ValueKind: not JsonValueKind.False } value)
            {
                throw Unsupported(name, value, "false, null or absent");
            }
        }
    }

    /// <summary>Throws for a field that nobody asked for, is not harmless and has a value: it might change the model.</summary>
    public void RefuseUnknown(IReadOnlySet<string> harmless)
    {
        foreach (var field in root.EnumerateObject())
        {
            if (!known.Contains(field.Name) && !harmless.Contains(field.Name) && !field.Name.StartsWith('_') && field.Value.ValueKind != JsonValueKind.Null)
            {
                throw new InvalidInputException($"{source}: {prefix}{field.Name} is {Shorten(field.Value.GetRawText())}, but this field is unknown here and "
                    + "might change the model. Remove it if it does not.");
            }
        }
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..77] + "...";
}
