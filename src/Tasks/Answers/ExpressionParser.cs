using System.Globalization;
using System.Numerics;

namespace MiniMaxSharp.Tasks;

/// <summary>Reads one expression, LaTeX or plain. Gives null for anything else; depth and length are bounded, so no text can exhaust the stack.</summary>
internal ref struct ExpressionParser
{
    /// <summary>Longest text that is read, in UTF-16 units.</summary>
    public const int MaxLength = 2000;

    private const int MaxDepth = 48;
    private static readonly string[] functions =
        ["arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "cot", "sec", "csc", "exp", "log", "ln", "abs", "floor", "ceil"];

    private readonly ReadOnlySpan<char> text;
    private int at;
    private int depth;
    private bool failed;

    private ExpressionParser(ReadOnlySpan<char> text) => this.text = text;

    /// <summary>The expression, or null.</summary>
    /// <param name="normalized">Text from <see cref="AnswerText.Normalize"/>.</param>
    public static Expression? Parse(string normalized)
    {
        if (normalized.Length is 0 or > MaxLength)
        {
            return null;
        }

        var parser = new ExpressionParser(normalized);
        var expression = parser.Sum();
        parser.SkipSpace();
        return parser.failed || parser.at < normalized.Length ? null : expression;
    }

    private Expression Sum()
    {
        if (++depth > MaxDepth)
        {
            failed = true;
        }

        var left = failed ? Fail() : Product();
        while (!failed && Peek() is '+' or '-' && !failed)
        {
            var op = text[at++];
            left = Expression.Binary(op, left, Product());
        }

        depth--;
        return left;
    }

    private Expression Product()
    {
        var left = Signed();
        while (!failed)
        {
            var next = Peek();
            if (next is '*' or '/')
            {
                at++;
                left = Expression.Binary(next, left, Signed());
            }
            else if (StartsFactor(next, left))
            {
                left = Expression.Binary('*', left, Power());
            }
            else
            {
                break;
            }
        }

        return left;
    }

    /// <summary>Whether a factor follows without a sign; a digit never follows a number so.</summary>
    private static bool StartsFactor(char next, Expression left) =>
        next is '(' or '[' or '{' or '\\' or 'π' or '∞' || char.IsAsciiLetter(next) || (char.IsAsciiDigit(next) && left.Operator is not ('#' or 'v'));

    private Expression Signed()
    {
        var minus = false;
        while (Peek() is '+' or '-')
        {
            minus ^= text[at++] == '-';
        }

        var value = Power();
        return minus ? Expression.Minus(value) : value;
    }

    private Expression Power()
    {
        var value = Postfix(Primary());
        if (failed || Peek() != '^')
        {
            return value;
        }

        at++;
        return Postfix(Expression.Binary('^', value, Exponent()));
    }

    private Expression Exponent()
    {
        if (++depth > MaxDepth)
        {
            return Fail();
        }

        var minus = false;
        while (Peek() is '+' or '-')
        {
            minus ^= text[at++] == '-';
        }

        var value = Primary();
        if (!failed && Peek() == '^')
        {
            at++;
            value = Expression.Binary('^', value, Exponent());
        }

        depth--;
        return minus ? Expression.Minus(value) : value;
    }

    private Expression Postfix(Expression value)
    {
        while (!failed && Peek() is '!' or '%' or '°' && !failed)
        {
            value = text[at++] switch
            {
                '!' => Expression.Function("factorial", value),
                '%' => Expression.Binary('/', value, Expression.Number(Rational.Of(100))),
                _ => value,
            };
            if (++depth > MaxDepth)
            {
                return Fail();
            }
        }

        return value;
    }

    private Expression Primary()
    {
        var next = Peek();
        if (failed)
        {
            return Fail();
        }

        if (char.IsAsciiDigit(next) || next == '.')
        {
            return Number();
        }

        if (next is '(' or '[' or '{')
        {
            at++;
            return Closed(next == '(' ? ')' : next == '[' ? ']' : '}');
        }

        if (next == '|')
        {
            at++;
            return Expression.Function("abs", Closed('|'));
        }

        if (next is 'π' or '∞')
        {
            at++;
            return Expression.Constant(next == 'π' ? "pi" : "infinity");
        }

        return next == '\\' ? Command() : char.IsAsciiLetter(next) ? Word() : Fail();
    }

    private Expression Closed(char close)
    {
        var value = Sum();
        if (failed || Peek() != close)
        {
            return Fail();
        }

        at++;
        return value;
    }

    private Expression Number()
    {
        if (!Literal(out var value))
        {
            return Fail();
        }

        // A mixed number: 1\frac{1}{2} or 1 1/2.
        var mark = at;
        if (!value.IsInteger || (Peek() != '\\' && !(mark < at && at < text.Length && char.IsAsciiDigit(text[at]))))
        {
            at = mark;
            return Expression.Number(value);
        }

        if (text[at..].StartsWith("\\frac{") && at + 6 < text.Length && text[at + 6] is >= '0' and <= '9')
        {
            return Expression.Binary('+', Expression.Number(value), Primary());
        }

        if (at > mark && char.IsAsciiDigit(text[at]) && Literal(out var top) && top.IsInteger && Peek() == '/')
        {
            at++;
            SkipSpace();
            if (Literal(out var bottom) && Rational.Divide(top, bottom) is { } part && Rational.Add(value, part) is { } mixed)
            {
                return Expression.Number(mixed);
            }
        }

        at = mark;
        return Expression.Number(value);
    }

    /// <summary>Digits, decimals and a decimal exponent such as 3e5; not more than 400 digits.</summary>
    private bool Literal(out Rational value)
    {
        var start = at;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'))
        {
            at++;
        }

        var digits = text[start..at].ToString();
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        value = default;
        if (digits.Length is 0 or > 400 || digits == "." || (point >= 0 && digits.LastIndexOf('.') != point))
        {
            return false;
        }

        var decimals = point < 0 ? 0 : digits.Length - point - 1;
        var exponent = 0;
        if (at + 1 < text.Length && text[at] is 'e' or 'E')
        {
            var end = at + 1 + (text[at + 1] is '+' or '-' ? 1 : 0);
            var first = end;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
            {
                end++;
            }

            if (end > first)
            {
                exponent = end - first > 4 ? int.MaxValue : int.Parse(text[(at + 1)..end], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                at = end;
            }
        }

        if (Math.Abs((long)exponent) > 1000)
        {
            return false;
        }

        var shift = exponent - decimals;
        var whole = BigInteger.Parse(digits.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        var power = BigInteger.Pow(10, Math.Abs(shift));
        var exact = shift < 0 ? Rational.Of(whole, power) : Rational.Of(whole * power, BigInteger.One);
        value = exact.GetValueOrDefault();
        return exact is not null;
    }

    private Expression Command()
    {
        var start = ++at;
        while (at < text.Length && char.IsAsciiLetter(text[at]))
        {
            at++;
        }

        var name = text[start..at].ToString();
        switch (name)
        {
            case "frac":
                var top = Argument();
                return Expression.Binary('/', top, Argument());
            case "binom":
                var n = Argument();
                return Expression.Function("binom", n, Argument());
            case "sqrt":
                return Root();
            case "":
                return Fail();
            default:
                return System.Array.IndexOf(functions, name) >= 0 ? Call(name) : Expression.Variable(Subscripted(name));
        }
    }

    private Expression Root()
    {
        if (Peek() != '[')
        {
            return Expression.Function("sqrt", Peek() is '{' or '(' ? Primary() : Argument());
        }

        at++;
        var degree = Closed(']');
        return Expression.Function("root", Argument(), degree);
    }

    /// <summary>An argument of a command: a group, or one letter or command; a run of digits stays together only after a root.</summary>
    private Expression Argument()
    {
        if (Peek() is { } digit && char.IsAsciiDigit(digit))
        {
            at++;
            var next = at < text.Length ? text[at] : ' ';
            var isFraction = at >= 6 && text[..(at - 1)].TrimEnd().EndsWith("sqrt") && char.IsAsciiDigit(next);
            if (!isFraction)
            {
                return Expression.Number(Rational.Of(digit - '0'));
            }

            at--;
            return Number();
        }

        return failed ? Fail() : Primary();
    }

    /// <summary>A function with an optional base or power before its argument: <c>\log_2 8</c>, <c>\sin^2 x</c>.</summary>
    private Expression Call(string name)
    {
        if (++depth > MaxDepth)
        {
            return Fail();
        }

        Expression? second = null;
        Expression? power = null;
        if (Peek() == '_' && name == "log")
        {
            at++;
            second = Argument();
        }

        if (Peek() == '^')
        {
            at++;
            power = Exponent();
        }

        var argument = Peek() is '(' or '{' or '[' or '|' ? Primary() : FunctionOperand();
        depth--;
        var value = Expression.Function(name, argument, second);
        return power is null ? value : Expression.Binary('^', value, power);
    }

    /// <summary>The operand without brackets: <c>\sin 2x</c> is the sine of 2x.</summary>
    private Expression FunctionOperand()
    {
        var value = Power();
        while (!failed && value.Operator != 'f' && Peek() is var next && (char.IsAsciiLetter(next) || next is 'π') && !failed)
        {
            value = Expression.Binary('*', value, Power());
        }

        return value;
    }

    /// <summary>A run of letters: a function name, a constant, or variables of one letter each.</summary>
    private Expression Word()
    {
        foreach (var name in functions)
        {
            if (text[at..].StartsWith(name))
            {
                at += name.Length;
                return name == "sqrt" ? Root() : Call(name);
            }
        }

        if (text[at..].StartsWith("pi"))
        {
            at += 2;
            return Expression.Constant("pi");
        }

        var letter = text[at++].ToString();
        return letter is "e" or "i" ? Expression.Constant(letter) : Expression.Variable(Subscripted(letter));
    }

    private string Subscripted(string name)
    {
        if (at >= text.Length || text[at] != '_')
        {
            return name;
        }

        var start = ++at;
        if (at < text.Length && text[at] == '{')
        {
            var length = text[at..].IndexOf('}');
            failed |= length < 0;
            at += Math.Max(length, 0) + 1;
        }
        else
        {
            at++;
        }

        at = Math.Min(at, text.Length);
        return $"{name}_{text[start..at].Trim("{}")}";
    }

    private char Peek()
    {
        SkipSpace();
        return at < text.Length ? text[at] : '\0';
    }

    private void SkipSpace()
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }
    }

    private Expression Fail()
    {
        failed = true;
        return Expression.Number(default);
    }
}
