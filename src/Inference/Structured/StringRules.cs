using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// What the keywords of strings say together. Lengths count code points. Patterns are searched for anywhere in the string, as the standard says,
/// unless they are anchored. Formats that are not known are annotations: they constrain nothing.
/// </summary>
internal sealed class StringRules
{
    /// <summary>Makes the rules of subschemas that hold at the same time.</summary>
    public StringRules(IReadOnlyList<SchemaPart> parts, CompileBudget budget)
    {
        MinLength = SchemaKeywords.CountOf(parts, "minLength", largest: true) ?? 0;
        MaxLength = SchemaKeywords.CountOf(parts, "maxLength", largest: false);
        IsEmpty = MaxLength < MinLength;
        var expressions = Expressions(parts).ToList();
        if (IsEmpty || expressions.Count == 0)
        {
            return;
        }

        if (MinLength > 0 || MaxLength is not null)
        {
            expressions.Add((new RegexNode.Repeat(new RegexNode.Characters(CodePointSet.All), MinLength, MaxLength), expressions[0].Where));
        }

        foreach (var (expression, where) in expressions)
        {
            var dfa = ByteDfa.Of(expression, ByteForm.JsonString, budget, where);
            Inside = Inside is null || dfa is null ? dfa : Inside.Intersect(dfa, budget, where);
            if (Inside is null)
            {
                throw new InvalidInputException($"{where}: no string fits this together with the other keywords of the string. Change one of them.");
            }
        }
    }

    /// <summary>Fewest characters.</summary>
    public int MinLength { get; }

    /// <summary>Most characters; null without limit.</summary>
    public int? MaxLength { get; }

    /// <summary>True when no string fits.</summary>
    public bool IsEmpty { get; }

    /// <summary>The inside of the JSON strings that fit; null when only the lengths matter.</summary>
    public ByteDfa? Inside { get; }

    /// <summary>Whether a string fits.</summary>
    public bool Fits(string text)
    {
        var length = text.EnumerateRunes().Count();
        return length >= MinLength && length <= (MaxLength ?? int.MaxValue) && (Inside is null || Inside.Accepts(Encoding.UTF8.GetBytes(JsonGraph.Quote(text)[1..^1])));
    }

    private static IEnumerable<(RegexNode Expression, string Where)> Expressions(IReadOnlyList<SchemaPart> parts)
    {
        foreach (var part in parts)
        {
            if (TextOf(part, "pattern") is { } pattern)
            {
                var where = SchemaPart.Join(part.Path, "pattern");
                yield return (new RegexNode.Sequence([RegexNode.AnyText, RegexParser.Parse(pattern, where), RegexNode.AnyText]), where);
            }

            if (TextOf(part, "format") is { } format && StringFormats.Find(format) is { } expression)
            {
                yield return (expression, SchemaPart.Join(part.Path, "format"));
            }
        }
    }

    private static string? TextOf(SchemaPart part, string keyword) =>
        !part.Element.TryGetProperty(keyword, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new InvalidInputException($"{SchemaPart.Join(part.Path, keyword)}: give a string.");
}
