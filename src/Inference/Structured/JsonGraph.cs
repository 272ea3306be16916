using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>White space between the parts of JSON.</summary>
public enum JsonWhitespace
{
    /// <summary>At each place nothing, one space, or one line end with up to 32 spaces or 8 tabs: a model cannot lose itself in it.</summary>
    Limited,

    /// <summary>At each place nothing or one space.</summary>
    OneLine,

    /// <summary>None.</summary>
    None,
}

/// <summary>The parts of JSON as graphs.</summary>
/// <param name="graph">Where the states go.</param>
/// <param name="whitespace">White space between the parts.</param>
internal sealed class JsonGraph(PushdownGraph graph, JsonWhitespace whitespace)
{
    private const int MaxSpaces = 32;
    private const int MaxTabs = 8;
    private int spaceRule = -1;
    private int anyRule = -1;
    private int objectRule = -1;

    /// <summary>The rule of any JSON value.</summary>
    public int AnyValue()
    {
        if (anyRule < 0)
        {
            anyRule = graph.AddRule();
            var (start, end) = graph.Rules[anyRule];
            AddAnyObject(start, end);
            AddAnyArray(start, end);
            graph.AddEmpty(AddString(start, 0, null), end);
            AddNumber(start, end);
            foreach (var literal in new[] { "true", "false", "null" })
            {
                graph.AddEmpty(graph.AddText(start, literal), end);
            }
        }

        return anyRule;
    }

    /// <summary>The rule of any JSON object.</summary>
    public int AnyObject()
    {
        if (objectRule < 0)
        {
            objectRule = graph.AddRule();
            AddAnyObject(graph.Rules[objectRule].Start, graph.Rules[objectRule].End);
        }

        return objectRule;
    }

    /// <summary>Adds optional white space; returns the state behind it.</summary>
    public int AddSpace(int from)
    {
        if (whitespace == JsonWhitespace.None)
        {
            return from;
        }

        if (spaceRule < 0)
        {
            spaceRule = graph.AddRule();
            var (start, end) = graph.Rules[spaceRule];
            graph.AddByte(start, ' ', ' ', end);
            if (whitespace == JsonWhitespace.Limited)
            {
                var line = AddMark(start, '\n');
                graph.AddEmpty(line, end);
                AddCounted(line, ' ', MaxSpaces, end);
                AddCounted(line, '\t', MaxTabs, end);
            }
        }

        var to = graph.AddCall(from, spaceRule);
        graph.AddEmpty(from, to);
        return to;
    }

    /// <summary>Adds one byte; returns the state behind it.</summary>
    public int AddMark(int from, char mark)
    {
        var to = graph.AddState();
        graph.AddByte(from, mark, mark, to);
        return to;
    }

    /// <summary>Adds a string with this number of characters (code points, escapes are one); returns the state behind it.</summary>
    public int AddString(int from, int minLength, int? maxLength)
    {
        var body = AddMark(from, '"');
        var close = graph.AddState();
        graph.AddEmpty(body, new EmptyEdge(close, minLength));
        if (maxLength != 0)
        {
            var character = graph.AddState();
            graph.AddEmpty(body, new EmptyEdge(character, 0, maxLength - 1 ?? int.MaxValue, Counts: true, Cap: maxLength ?? minLength));
            graph.AddTemplate(character, ByteTemplate.AnyInJsonString, body);
            graph.MarkFreeText(character, maxLength ?? -1);
        }

        return AddMark(close, '"');
    }

    /// <summary>Adds a string whose inside is a text of the automaton, which has the form <see cref="ByteForm.JsonString"/>; returns the state behind it.</summary>
    public int AddString(int from, ByteDfa inside) => AddMark(graph.AddDfa(AddMark(from, '"'), inside), '"');

    /// <summary>Adds any number: up to 19 digits before and 17 behind the point, an exponent of up to two digits.</summary>
    public void AddNumber(int from, int to)
    {
        var unsigned = graph.AddState();
        graph.AddEmpty(from, unsigned);
        graph.AddByte(from, '-', '-', unsigned);
        var whole = graph.AddState();
        graph.AddByte(unsigned, '0', '0', whole);
        var digit = AddMarkRange(unsigned, '1', '9');
        for (var i = 1; i < NumberRange.MaxWholeDigits; i++)
        {
            graph.AddEmpty(digit, whole);
            digit = AddMarkRange(digit, '0', '9');
        }

        graph.AddEmpty(digit, whole);
        var fraction = graph.AddState();
        graph.AddEmpty(whole, fraction);
        digit = AddMark(whole, '.');
        for (var i = 0; i < NumberRange.MaxFractionDigits; i++)
        {
            digit = AddMarkRange(digit, '0', '9');
            graph.AddEmpty(digit, fraction);
        }

        graph.AddEmpty(fraction, to);
        var exponent = graph.AddState();
        graph.AddByte(fraction, 'e', 'e', exponent);
        graph.AddByte(fraction, 'E', 'E', exponent);
        var sign = graph.AddState();
        graph.AddEmpty(exponent, sign);
        graph.AddByte(exponent, '+', '+', sign);
        graph.AddByte(exponent, '-', '-', sign);
        var last = AddMarkRange(sign, '0', '9');
        graph.AddEmpty(last, to);
        graph.AddByte(last, '0', '9', to);
    }

    /// <summary>Adds a given value, with the white space of this graph; returns the state behind it.</summary>
    public int AddValue(int from, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                from = AddMark(from, '{');
                var separator = false;
                foreach (var property in value.EnumerateObject())
                {
                    from = AddSpace(separator ? AddMark(from, ',') : from);
                    from = AddValue(AddSpace(AddMark(graph.AddText(from, Quote(property.Name)), ':')), property.Value);
                    separator = true;
                }

                return AddMark(AddSpace(from), '}');
            case JsonValueKind.Array:
                from = AddMark(from, '[');
                foreach (var (i, item) in value.EnumerateArray().Index())
                {
                    from = AddValue(AddSpace(i > 0 ? AddMark(from, ',') : from), item);
                }

                return AddMark(AddSpace(from), ']');
            case JsonValueKind.String:
                return graph.AddText(from, Quote(value.GetString()!));
            default:
                return graph.AddText(from, value.GetRawText());
        }
    }

    /// <summary>A JSON string with only the escapes that JSON needs.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            const string Short = "\"\"\\\\\bb\ff\nn\rr\tt";
            var at = Short.IndexOf(c, StringComparison.Ordinal);
            if (at >= 0 && (c < ' ' || c is '"' or '\\'))
            {
                quoted.Append('\\').Append(Short[at + 1]);
            }
            else if (c < ' ')
            {
                quoted.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            }
            else
            {
                quoted.Append(c);
            }
        }

        return quoted.Append('"').ToString();
    }

    private void AddAnyObject(int from, int to)
    {
        var open = AddMark(from, '{');
        var key = graph.AddState();
        graph.AddEmpty(AddSpace(open), key);
        var value = graph.AddCall(AddSpace(AddMark(AddString(key, 0, null), ':')), AnyValue());
        graph.AddEmpty(AddSpace(AddMark(value, ',')), key);
        graph.AddByte(AddSpace(open), '}', '}', to);
        graph.AddByte(AddSpace(value), '}', '}', to);
    }

    private void AddAnyArray(int from, int to)
    {
        var open = AddMark(from, '[');
        var item = graph.AddState();
        graph.AddEmpty(AddSpace(open), item);
        var value = graph.AddCall(item, AnyValue());
        graph.AddEmpty(AddSpace(AddMark(value, ',')), item);
        graph.AddByte(AddSpace(open), ']', ']', to);
        graph.AddByte(AddSpace(value), ']', ']', to);
    }

    private int AddMarkRange(int from, char lo, char hi)
    {
        var to = graph.AddState();
        graph.AddByte(from, lo, hi, to);
        return to;
    }

    private void AddCounted(int from, char c, int most, int to)
    {
        var counted = graph.AddState();
        var behind = graph.AddState();
        graph.AddEmpty(from, new EmptyEdge(counted, 0, most - 1, Counts: true, Cap: most));
        graph.AddByte(counted, c, c, behind);
        graph.AddEmpty(behind, new EmptyEdge(counted, 0, most - 1, Counts: true, Cap: most));
        graph.AddEmpty(behind, to);
    }
}
