using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

public class RegexGrammarTests
{
    private static readonly string[] atoms =
        ["a", "b", "c", "[ab]", "[^a]", ".", "\\d", "\\w", "\\W", "é", "[à-ü]", "日", "😀", "\\x41", "[a-c\\d]", "\\p{Lu}", "\\.", "-", "[\\]-]", "\\u00e9"];

    // Of these every character is one UTF-16 unit, which is what .NET counts.
    private static readonly string[] shortAtoms = ["a", "b", "[ab]", "[0-9]", "é", "[à-ü]", "日", "\\x41", "\\.", "[\\]-]"];

    private static readonly string[] quantifiers = ["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"]; // Not {0}: .NET does not match (?:a|😀{0}) on the empty text.

    [Fact]
    public void Random_expressions_match_what_dotnet_matches()
    {
        var refused = 0;
        Gen.Int[0, 1_000_000].Sample((int seed) => Compare(seed, ref refused), iter: 400);
        Assert.InRange(refused, 0, 8); // Some need exponentially many states.
    }

    [Fact]
    public void What_the_masks_make_matches_in_dotnet() => Gen.Int[0, 1_000_000].Sample(
        seed =>
        {
            var pattern = Expression(new Random(seed), 2, shortAtoms) + ";";
            Assert.Matches(new Regex($"^(?:{pattern})\\z", RegexOptions.NonBacktracking), GrammarWalk.Draw(Grammar.FromRegex(pattern), new Random(seed), patience: 20, closers: ";"));
        },
        iter: 100);

    [Theory]
    [InlineData("^a$", "a", true)]
    [InlineData("^a|b$", "b", true)]
    [InlineData("a^b", "ab", false)]
    [InlineData("(^a|^b)c", "bc", true)]
    [InlineData("a(?:b|c$)d?", "ac", true)]
    [InlineData("a(?:b|c$)d?", "acd", false)]
    [InlineData("(?<year>\\d{4})", "2025", true)]
    [InlineData("a{,x}", "a{,x}", true)]
    [InlineData("(?:ab{0}|😀{0}){1,3}", "", true)]
    [InlineData("[]", "", false)]
    public void Anchors_groups_and_braces(string pattern, string text, bool fits)
    {
        var dfa = ByteDfa.Of(RegexParser.Parse(pattern, "regex"), ByteForm.Utf8, new CompileBudget(), "regex");
        Assert.Equal(fits, dfa?.Accepts(Encoding.UTF8.GetBytes(text)) ?? false);
    }

    [Theory]
    [InlineData("(?=a)b", "look-around")]
    [InlineData("(?<!a)b", "look-around")]
    [InlineData("(a)\\1", "back-reference")]
    [InlineData("\\bword", "word boundary")]
    [InlineData("(a", "not closed")]
    [InlineData("a)", "no '('")]
    [InlineData("[a", "not closed")]
    [InlineData("*a", "nothing to repeat")]
    [InlineData("a**", "quantifier")]
    [InlineData("a{3,2}", "wrong order")]
    [InlineData("[z-a]", "wrong order")]
    [InlineData("\\q", "not known")]
    [InlineData("\\p{Klingon}", "category")]
    [InlineData("(?i)a", "not supported")]
    [InlineData("a++", "possessive")]
    [InlineData("a\\", "ends with")]
    [InlineData("a$b", "matches no text")]
    public void What_is_not_regular_or_malformed_is_refused_by_name(string pattern, string named)
    {
        var error = Assert.Throws<InvalidInputException>(() => Grammar.FromRegex(pattern));
        Assert.StartsWith("regex", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static void Compare(int seed, ref int refused)
    {
        var random = new Random(seed);
        var pattern = Expression(random, 2, atoms);
        var ascii = pattern.Replace("\\W", "[^A-Za-z0-9_]").Replace("\\w", "[A-Za-z0-9_]").Replace("\\d]", "0-9]").Replace("\\d", "[0-9]");
        var expected = new Regex($"^(?:{ascii})\\z", RegexOptions.NonBacktracking);
        ByteDfa? dfa;
        try
        {
            dfa = ByteDfa.Of(RegexParser.Parse(pattern, "regex"), ByteForm.Utf8, new CompileBudget(), pattern);
        }
        catch (InvalidInputException)
        {
            refused++;
            return;
        }

        for (var i = 0; i < 40; i++)
        {
            var text = Text(random);
            Assert.True(expected.IsMatch(text) == (dfa?.Accepts(Encoding.UTF8.GetBytes(text)) ?? false), $"{pattern} on \"{text}\"");
        }
    }

    private static string Expression(Random random, int depth, string[] atoms)
    {
        var text = new StringBuilder();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var group = depth > 0 && random.Next(3) == 0;
            text.Append(group ? $"({(random.Next(2) == 0 ? "?:" : "")}{Expression(random, depth - 1, atoms)}|{Expression(random, depth - 1, atoms)})" : atoms[random.Next(atoms.Length)]);
            text.Append(quantifiers[random.Next(group ? 6 : quantifiers.Length)]); // Counted groups would need many states too often.
        }

        // .NET would take a surrogate pair and its quantifier apart.
        return text.Replace("😀", "(?:😀)").ToString();
    }

    // No characters beyond the BMP beside '.' and negated classes, and no line ends: .NET and ECMA-262 differ there.
    private static string Text(Random random)
    {
        const string Letters = "aaabbcx1290AÀéüß日-.]é_Z";
        return string.Concat(Enumerable.Range(0, random.Next(7)).Select(_ => Letters[random.Next(Letters.Length)]));
    }
}
