using System.Text.Json;

namespace MiniMaxSharp.Serving;

/// <summary>Typed fields of a JSON object. A field that is missing or null reads as null; one of a wrong type is refused with its path. Others are left alone.</summary>
/// <param name="element">The object.</param>
/// <param name="path">Its place in the request; empty for the request itself.</param>
internal readonly struct RequestFields(JsonElement element, string path = "")
{
    /// <summary>Name of the request in messages of the library.</summary>
    public const string Source = "request";

    public JsonElement Element { get; } = element;

    public string Path(string name) => path.Length == 0 ? name : $"{path}.{name}";

    public bool Has(string name) => Element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    public string? Text(string name) => Find(name) is { } value ? AsText(value, Path(name)) : null;

    public string RequiredText(string name) => Text(name) ?? throw Missing(name, "a string");

    public bool? Flag(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Wrong(Path(name), "true or false", value),
    };

    public double? Number(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetDouble(out var number) && double.IsFinite(number) => number,
        { } value => throw Wrong(Path(name), "a number", value),
    };

    public int? Integer(string name) => Find(name) is { } value ? AsInteger(value, Path(name)) : null;

    public long? Long(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt64(out var number) => number,
        { } value => throw Wrong(Path(name), "an integer of 64 bits", value),
    };

    public RequestFields? Object(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => new RequestFields(value, Path(name)),
        { } value => throw Wrong(Path(name), "an object", value),
    };

    /// <summary>The items of a list; empty when it is missing.</summary>
    public IReadOnlyList<JsonElement> List(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray()],
        { } value => throw Wrong(Path(name), "a list", value),
    };

    /// <summary>A list of objects.</summary>
    public IEnumerable<RequestFields> Objects(string name)
    {
        var at = Path(name);
        return List(name).Select((item, i) =>
            item.ValueKind == JsonValueKind.Object ? new RequestFields(item, $"{at}[{i}]") : throw Wrong($"{at}[{i}]", "an object", item));
    }

    public IReadOnlyList<int> Integers(string name)
    {
        var at = Path(name);
        return [.. List(name).Select((item, i) => AsInteger(item, $"{at}[{i}]"))];
    }

    /// <summary>One string or a list of strings.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        var at = Path(name);
        return Find(name) is { ValueKind: JsonValueKind.String } one ? [AsText(one, at)] : [.. List(name).Select((item, i) => AsText(item, $"{at}[{i}]"))];
    }

    public ApiException Missing(string name, string wanted) => ApiException.BadField(Path(name), $"{Path(name)} is missing; give {wanted}.");

    public static string AsText(JsonElement value, string at) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(at, "a string", value);

    public static int AsInteger(JsonElement value, string at) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Wrong(at, "an integer", value);

    public static ApiException Wrong(string at, string wanted, JsonElement value)
    {
        var given = value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.String => "a string",
            JsonValueKind.Number => value.GetRawText() is { Length: <= 40 } raw ? raw : "a long number",
            _ => "true or false",
        };
        return ApiException.BadField(at, $"{at} must be {wanted}, but it is {given}.");
    }

    private JsonElement? Find(string name) => Element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
