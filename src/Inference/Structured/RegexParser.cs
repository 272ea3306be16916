using System.Globalization;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Reads a regular expression in the notation of ECMA-262, as far as it describes a regular language: classes, groups, alternation, counted repeats,
/// anchors, Unicode categories. What needs more (look-around, back-references, word boundaries, flags) is refused.
/// Lazy quantifiers mean the same as greedy ones: only whole texts are compared.
/// </summary>
internal sealed partial class RegexParser
{
    /// <summary>Longest pattern, in UTF-16 units.</summary>
    private const int MaxLength = 10_000;

    private const int MaxDepth = 100;
    private const int MaxCount = 100_000;

    private readonly string pattern;
    private readonly string where;
    private int at;
    private int depth;

    private RegexParser(string pattern, string where)
    {
        this.pattern = pattern;
        this.where = where;
    }

    private bool AtEnd => at == pattern.Length;

    /// <summary>Reads a pattern.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="where">Its place in the schema, for messages.</param>
    /// <exception cref="InvalidInputException">It is malformed or uses what no automaton can follow; the message names the position.</exception>
    public static RegexNode Parse(string pattern, string where)
    {
        if (pattern.Length > MaxLength)
        {
            throw new InvalidInputException($"{where}: the pattern has {pattern.Length:N0} characters; at most {MaxLength:N0} are allowed.");
        }

        var parser = new RegexParser(pattern, where);
        var node = parser.ParseChoice();
        return parser.AtEnd ? node : throw parser.Error("')' has no '(' before it; write '\\)' for the character");
    }

    private RegexNode ParseChoice()
    {
        if (++depth > MaxDepth)
        {
            throw Error($"groups are nested deeper than {MaxDepth}");
        }

        var parts = new List<RegexNode> { ParseSequence() };
        while (TryTake('|'))
        {
            parts.Add(ParseSequence());
        }

        depth--;
        return parts.Count == 1 ? parts[0] : new RegexNode.Choice(parts);
    }

    private RegexNode ParseSequence()
    {
        var parts = new List<RegexNode>();
        while (!AtEnd && pattern[at] is not ('|' or ')'))
        {
            parts.Add(ParseQuantified());
        }

        return parts.Count == 1 ? parts[0] : new RegexNode.Sequence(parts);
    }

    private RegexNode ParseQuantified()
    {
        var start = at;
        var atom = ParseAtom();
        if (!TryQuantifier(out var min, out var max))
        {
            return atom;
        }

        if (atom is RegexNode.Anchor)
        {
            throw Error($"'{pattern[start]}' cannot be repeated");
        }

        if (!TryTake('?') && !AtEnd && pattern[at] == '+')
        {
            throw Error("possessive quantifiers are not supported; leave out the '+'");
        }

        var next = at;
        if (TryQuantifier(out _, out _))
        {
            at = next;
            throw Error("a quantifier follows a quantifier; put the first one into a group (?:…)");
        }

        return new RegexNode.Repeat(atom, min, max);
    }

    private bool TryQuantifier(out int min, out int? max)
    {
        (min, max) = (0, null);
        switch (AtEnd ? '\0' : pattern[at])
        {
            case '*':
                at++;
                return true;
            case '+':
                at++;
                min = 1;
                return true;
            case '?':
                at++;
                max = 1;
                return true;
            case '{':
                return TryCounts(out min, out max);
            default:
                return false;
        }
    }

    /// <summary><c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c>. Anything else after a brace is the brace itself, as in ECMA-262 annex B.</summary>
    private bool TryCounts(out int min, out int? max)
    {
        (min, max) = (0, null);
        var close = pattern.IndexOf('}', at);
        var counts = close < 0 ? [] : pattern[(at + 1)..close].Split(',');
        if (counts.Length is not (1 or 2) || counts.Any(count => !count.All(char.IsAsciiDigit)) || counts.All(count => count.Length == 0))
        {
            return false;
        }

        if (counts[0].Length == 0)
        {
            throw Error($"'{pattern[at..(close + 1)]}' has no lower count; write {{0,{counts[1]}}}");
        }

        min = ReadCount(counts[0]);
        max = counts.Length == 1 ? min : counts[1].Length == 0 ? null : ReadCount(counts[1]);
        if (max < min)
        {
            throw Error($"the counts of '{pattern[at..(close + 1)]}' are in the wrong order");
        }

        at = close + 1;
        return true;
    }

    private int ReadCount(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= MaxCount
        ? count
        : throw Error($"the count {digits} is larger than {MaxCount:N0}");

    private RegexNode ParseAtom()
    {
        var c = pattern[at];
        switch (c)
        {
            case '(':
                return ParseGroup();
            case '[':
                return new RegexNode.Characters(ParseClass());
            case '^' or '$':
                at++;
                return new RegexNode.Anchor(c == '$');
            case '.':
                at++;
                return new RegexNode.Characters(lineEnds.Complement());
            case '*' or '+' or '?':
                throw Error($"'{c}' has nothing to repeat; write '\\{c}' for the character");
            case '\\':
                return new RegexNode.Characters(ParseEscape(inClass: false));
            default:
                var rune = TakeRune();
                return new RegexNode.Characters(CodePointSet.Of((rune, rune)));
        }
    }

    private RegexNode ParseGroup()
    {
        at++;
        if (TryTake('?'))
        {
            TakeGroupKind();
        }

        var node = ParseChoice();
        return TryTake(')') ? node : throw Error("a group is not closed; add ')'");
    }

    private void TakeGroupKind()
    {
        if (TryTake(':'))
        {
            return;
        }

        var rest = pattern.AsSpan(at);
        if (rest.StartsWith("=") || rest.StartsWith("!") || rest.StartsWith("<=") || rest.StartsWith("<!"))
        {
            throw Error("look-around is not supported; say what the text is instead of what stands around it");
        }

        TryTake('P');
        var close = pattern.IndexOf('>', at);
        if (!TryTake('<') || close < 0 || !pattern[at..close].All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            throw Error("this kind of group is not supported; use (…), (?:…) or (?<name>…)");
        }

        at = close + 1;
    }

    private bool TryTake(char c)
    {
        var fits = !AtEnd && pattern[at] == c;
        at += fits ? 1 : 0;
        return fits;
    }

    private int TakeRune()
    {
        if (!Rune.TryGetRuneAt(pattern, at, out var rune))
        {
            throw Error("half a surrogate pair");
        }

        at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private InvalidInputException Error(string problem) => new($"{where}: character {at + 1} of the pattern: {problem}.");
}
