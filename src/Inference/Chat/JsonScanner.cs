namespace MiniMaxSharp.Inference;

/// <summary>
/// Checks one JSON object that arrives character by character, in constant time each (RFC 8259).
/// Tells where in the object it stands; keeps no text.
/// </summary>
internal sealed class JsonScanner
{
    private const string NumberEnds = "0if9"; // The number states that may end: zero, integer, fraction, exponent digits.
    private readonly List<bool> isObject = [];
    private string literal = "";
    private int literalMatched;
    private int hexLeft;
    private char number;

    /// <summary>What comes next.</summary>
    internal enum Place
    {
        /// <summary>A value.</summary>
        Value,

        /// <summary>The first item of an array or its end.</summary>
        ItemOrEnd,

        /// <summary>The first key of an object or its end.</summary>
        KeyOrEnd,

        /// <summary>A key.</summary>
        Key,

        /// <summary>Inside a key.</summary>
        InKey,

        /// <summary>The colon after a key.</summary>
        Colon,

        /// <summary>Inside a string value.</summary>
        InString,

        /// <summary>Inside a number.</summary>
        InNumber,

        /// <summary>Inside true, false or null.</summary>
        InLiteral,

        /// <summary>A comma or the end of the container.</summary>
        CommaOrEnd,

        /// <summary>Nothing: the object is complete.</summary>
        Done,
    }

    /// <summary>Containers that are open.</summary>
    public int Depth => isObject.Count;

    /// <summary>What comes next.</summary>
    public Place State { get; private set; } = Place.Value;

    private bool Escaped { get; set; }

    /// <summary>Prepares for another object.</summary>
    public void Reset()
    {
        isObject.Clear();
        Escaped = false;
        hexLeft = 0;
        State = Place.Value;
    }

    /// <summary>JSON's four white-space characters.</summary>
    public static bool IsSpace(char c) => c is ' ' or '\n' or '\r' or '\t';

    /// <summary>Takes the next character. False: the text is not JSON, or nested deeper than <see cref="PythonJson.MaxDepth"/>.</summary>
    public bool Feed(char c) => State switch
    {
        Place.InKey or Place.InString => FeedString(c),
        Place.InNumber => FeedNumber(c),
        Place.InLiteral => FeedLiteral(c),
        Place.Done => false,
        _ => IsSpace(c) || FeedStructure(c),
    };

    private bool FeedStructure(char c)
    {
        switch (State)
        {
            case Place.ItemOrEnd when c == ']':
            case Place.KeyOrEnd when c == '}':
            case Place.CommaOrEnd when c == (isObject[^1] ? '}' : ']'):
                isObject.RemoveAt(isObject.Count - 1);
                State = isObject.Count == 0 ? Place.Done : Place.CommaOrEnd;
                return true;
            case Place.CommaOrEnd when c == ',':
                State = isObject[^1] ? Place.Key : Place.Value;
                return true;
            case Place.Key or Place.KeyOrEnd when c == '"':
                State = Place.InKey;
                return true;
            case Place.Colon when c == ':':
                State = Place.Value;
                return true;
            case Place.Value or Place.ItemOrEnd:
                return FeedValueStart(c);
            default:
                return false;
        }
    }

    private bool FeedValueStart(char c)
    {
        switch (c)
        {
            case '{' or '[' when Depth < PythonJson.MaxDepth:
                isObject.Add(c == '{');
                State = c == '{' ? Place.KeyOrEnd : Place.ItemOrEnd;
                return true;
            case '"':
                State = Place.InString;
                return true;
            case '-' or (>= '0' and <= '9'):
                number = c == '-' ? '-' : c == '0' ? '0' : 'i';
                State = Place.InNumber;
                return true;
            case 't' or 'f' or 'n':
                literal = c == 't' ? "true" : c == 'f' ? "false" : "null";
                literalMatched = 1;
                State = Place.InLiteral;
                return true;
            default:
                return false;
        }
    }

    private bool FeedString(char c)
    {
        if (hexLeft > 0)
        {
            hexLeft--;
            return char.IsAsciiHexDigit(c);
        }

        if (Escaped)
        {
            Escaped = false;
            hexLeft = c == 'u' ? 4 : 0;
            return c is '"' or '\\' or '/' or 'b' or 'f' or 'n' or 'r' or 't' or 'u';
        }

        Escaped = c == '\\';
        if (c == '"')
        {
            State = State == Place.InKey ? Place.Colon : Place.CommaOrEnd;
        }

        return c >= ' ';
    }

    /// <summary>States: - sign, 0 leading zero, i integer, . point, f fraction, e exponent letter, s exponent sign, 9 exponent digits.</summary>
    private bool FeedNumber(char c)
    {
        var digit = char.IsAsciiDigit(c);
        var next = number switch
        {
            '-' when digit => c == '0' ? '0' : 'i',
            '0' or 'i' when c == '.' => '.',
            '0' or 'i' or 'f' when c is 'e' or 'E' => 'e',
            'i' when digit => 'i',
            '.' or 'f' when digit => 'f',
            'e' when c is '+' or '-' => 's',
            'e' or 's' or '9' when digit => '9',
            _ => ' ',
        };
        if (next != ' ')
        {
            number = next;
            return true;
        }

        if (!NumberEnds.Contains(number, StringComparison.Ordinal))
        {
            return false;
        }

        State = Place.CommaOrEnd;
        return Feed(c);
    }

    private bool FeedLiteral(char c)
    {
        var fits = c == literal[literalMatched++];
        if (literalMatched == literal.Length)
        {
            State = Place.CommaOrEnd;
        }

        return fits;
    }
}
