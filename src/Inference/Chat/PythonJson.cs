using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Writes JSON as Python's <c>json.dumps(json.loads(text), ensure_ascii=False)</c> does: the <c>tojson</c> of the chat templates.
/// Keys keep their order, separators are <c>", "</c> and <c>": "</c>, integers of any size stay, other numbers are doubles in Python's repr.
/// </summary>
public static class PythonJson
{
    /// <summary>Deepest nesting that is read; Python gives up a little later.</summary>
    internal const int MaxDepth = 512;

    /// <summary>The Python text of <paramref name="element"/>.</summary>
    public static string Write(JsonElement element)
    {
        var output = new StringBuilder();
        Append(output, element);
        return output.ToString();
    }

    /// <summary>Appends the Python text of <paramref name="element"/>.</summary>
    public static void Append(StringBuilder output, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                AppendObject(output, element);
                break;
            case JsonValueKind.Array:
                AppendArray(output, element);
                break;
            case JsonValueKind.String:
                AppendString(output, GetString(element));
                break;
            case JsonValueKind.Number:
                output.Append(Number(element.GetRawText()));
                break;
            default:
                output.Append(element.ValueKind switch
                {
                    JsonValueKind.True => "true",
                    JsonValueKind.False => "false",
                    JsonValueKind.Null => "null",
                    _ => throw new InvalidInputException("A JSON value is missing."),
                });
                break;
        }
    }

    /// <summary>Appends <paramref name="text"/> as a JSON string; only quotes, backslashes and control characters are escaped.</summary>
    public static void AppendString(StringBuilder output, string text)
    {
        output.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => output.Append("\\\""),
                '\\' => output.Append("\\\\"),
                '\n' => output.Append("\\n"),
                '\r' => output.Append("\\r"),
                '\t' => output.Append("\\t"),
                '\b' => output.Append("\\b"),
                '\f' => output.Append("\\f"),
                < ' ' => output.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => output.Append(c),
            };
        }

        output.Append('"');
    }

    /// <summary>Python's repr of a double: shortest digits that read back, exponent form below 1e-4 and from 1e16 on.</summary>
    internal static string Repr(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        }

        // .NET finds the same shortest digits but for two powers of two (2^-25, 2^-958), where its digits do not read back; only the layout differs.
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        text = double.Parse(text, CultureInfo.InvariantCulture).Equals(value) ? text : value.ToString("G17", CultureInfo.InvariantCulture);
        var sign = text[0] == '-' ? "-" : "";
        var mark = text.IndexOf('E', StringComparison.Ordinal);
        var mantissa = text[sign.Length..(mark < 0 ? text.Length : mark)];
        var exponent = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        exponent += (point < 0 ? mantissa.Length : point) - 1 - (all.Length - digits.Length);
        digits = digits.TrimEnd('0');
        return digits.Length == 0 ? sign + "0.0" : Layout(sign, digits, exponent);
    }

    /// <summary>Lays out ±d.ddd·10^exponent, where <paramref name="digits"/> starts and ends with a digit that is not zero.</summary>
    private static string Layout(string sign, string digits, int exponent)
    {
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }

        if (exponent < 0)
        {
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        }

        var whole = digits.Length > exponent + 1 ? digits[..(exponent + 1)] : digits.PadRight(exponent + 1, '0');
        var rest = digits.Length > exponent + 1 ? digits[(exponent + 1)..] : "0";
        return $"{sign}{whole}.{rest}";
    }

    private static string Number(string raw)
    {
        if (raw.AsSpan().ContainsAny('.', 'e', 'E'))
        {
            return Repr(double.Parse(raw, CultureInfo.InvariantCulture));
        }

        return raw == "-0" ? "0" : raw;
    }

    private static void AppendObject(StringBuilder output, JsonElement element)
    {
        // A repeated key keeps its first place and takes its last value, as in a Python dict.
        var order = new List<string>();
        var values = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
        {
            var name = GetName(property);
            if (!values.ContainsKey(name))
            {
                order.Add(name);
            }

            values[name] = property.Value;
        }

        output.Append('{');
        for (var i = 0; i < order.Count; i++)
        {
            output.Append(i == 0 ? "" : ", ");
            AppendString(output, order[i]);
            output.Append(": ");
            Append(output, values[order[i]]);
        }

        output.Append('}');
    }

    private static void AppendArray(StringBuilder output, JsonElement element)
    {
        output.Append('[');
        var separator = "";
        foreach (var item in element.EnumerateArray())
        {
            output.Append(separator);
            Append(output, item);
            separator = ", ";
        }

        output.Append(']');
    }

    /// <summary>The string of <paramref name="element"/>; a lone surrogate, which UTF-8 cannot carry, is bad input.</summary>
    internal static string GetString(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw LoneSurrogate(element.GetRawText(), exception);
        }
    }

    private static string GetName(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException exception)
        {
            throw LoneSurrogate("a key", exception);
        }
    }

    private static InvalidInputException LoneSurrogate(string where, Exception inner) =>
        new($"The JSON string {(where.Length > 60 ? where[..60] + "…" : where)} escapes half a character (a lone surrogate). Escape both halves.", inner);
}
