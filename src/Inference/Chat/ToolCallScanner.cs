using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Reads one object <c>{"name": …, "arguments": {…}}</c> character by character. The arguments can be taken as they come,
/// but only once the name is known. Other keys are allowed and left out; a key that comes twice is malformed.
/// </summary>
internal sealed class ToolCallScanner
{
    private readonly JsonScanner json = new();
    private readonly StringBuilder key = new();
    private readonly StringBuilder rawName = new();
    private Field field;
    private bool inValue;

    private enum Field
    {
        Name,
        Arguments,
        Other,
    }

    /// <summary>The tool's name; null until it is known.</summary>
    public string? Name { get; private set; }

    /// <summary>True from the first character of the arguments on.</summary>
    public bool HasArguments { get; private set; }

    /// <summary>Argument text that nobody has taken yet.</summary>
    public StringBuilder Arguments { get; } = new();

    /// <summary>True when the object is complete.</summary>
    public bool Done => json.State == JsonScanner.Place.Done;

    /// <summary>Prepares for the next object.</summary>
    public void Reset()
    {
        json.Reset();
        key.Clear();
        rawName.Clear();
        Arguments.Clear();
        inValue = false;
        Name = null;
        HasArguments = false;
    }

    /// <summary>Takes the next character, the first of which is the opening brace. False: not a call.</summary>
    public bool Feed(char c)
    {
        var before = json.State;
        var atTop = json.Depth == 1;
        if (!json.Feed(c))
        {
            return false;
        }

        if (atTop && before == JsonScanner.Place.InKey)
        {
            return FeedKey(c);
        }

        if (atTop && before == JsonScanner.Place.Value && !JsonScanner.IsSpace(c) && !BeginValue(c))
        {
            return false;
        }

        return inValue ? FeedValue(c) : !Done || Name is not null;
    }

    private bool FeedValue(char c)
    {
        var target = field == Field.Arguments ? Arguments : field == Field.Name ? rawName : null;
        target?.Append(c);
        if (json.Depth > 1 || json.State is JsonScanner.Place.InString or JsonScanner.Place.InNumber or JsonScanner.Place.InLiteral)
        {
            return true;
        }

        inValue = false;
        if (field == Field.Name)
        {
            Name = Decode(rawName.ToString(1, rawName.Length - 2));
            return !string.IsNullOrEmpty(Name);
        }

        return !Done || Name is not null;
    }

    private bool FeedKey(char c)
    {
        if (json.State == JsonScanner.Place.InKey)
        {
            key.Append(c);
            return true;
        }

        var name = Decode(key.ToString());
        key.Clear();
        field = name switch
        {
            "name" => Field.Name,
            "arguments" => Field.Arguments,
            _ => Field.Other,
        };
        return name is not null;
    }

    private bool BeginValue(char c)
    {
        inValue = true;
        switch (field)
        {
            case Field.Name:
                return c == '"' && rawName.Length == 0;
            case Field.Arguments:
                var first = !HasArguments;
                HasArguments = true;
                return c == '{' && first;
            default:
                return true;
        }
    }

    /// <summary>The text of a JSON string without its quotes; null when it escapes half a character.</summary>
    private static string? Decode(string raw)
    {
        if (!raw.Contains('\\', StringComparison.Ordinal))
        {
            return raw;
        }

        try
        {
            using var document = JsonDocument.Parse($"\"{raw}\"");
            return document.RootElement.GetString();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }
}
