namespace MiniMaxSharp.Tasks;

/// <summary>A scalar answer with its unit taken off: a number of metres, a percentage, seven apples.</summary>
/// <param name="Text">The expression that is left.</param>
/// <param name="Unit">The unit in small letters; empty for none.</param>
/// <param name="IsPercent">True when a percent sign was taken off.</param>
internal readonly record struct MeasuredValue(string Text, string Unit, bool IsPercent)
{
    private static readonly Dictionary<string, (string Dimension, long Top, long Bottom)> units = new(StringComparer.Ordinal)
    {
        ["mm"] = ("length", 1, 1000), ["cm"] = ("length", 1, 100), ["dm"] = ("length", 1, 10), ["m"] = ("length", 1, 1), ["km"] = ("length", 1000, 1),
        ["meter"] = ("length", 1, 1), ["metre"] = ("length", 1, 1), ["centimeter"] = ("length", 1, 100), ["kilometer"] = ("length", 1000, 1),
        ["毫米"] = ("length", 1, 1000), ["厘米"] = ("length", 1, 100), ["米"] = ("length", 1, 1), ["千米"] = ("length", 1000, 1), ["公里"] = ("length", 1000, 1),
        ["in"] = ("inch", 1, 1), ["inch"] = ("inch", 1, 1), ["inche"] = ("inch", 1, 1), ["ft"] = ("inch", 12, 1), ["feet"] = ("inch", 12, 1), ["foot"] = ("inch", 12, 1),
        ["yd"] = ("inch", 36, 1), ["yard"] = ("inch", 36, 1), ["mile"] = ("inch", 63360, 1),
        ["mg"] = ("mass", 1, 1000), ["g"] = ("mass", 1, 1), ["kg"] = ("mass", 1000, 1), ["t"] = ("mass", 1000000, 1), ["gram"] = ("mass", 1, 1), ["kilogram"] = ("mass", 1000, 1),
        ["克"] = ("mass", 1, 1), ["千克"] = ("mass", 1000, 1), ["公斤"] = ("mass", 1000, 1), ["吨"] = ("mass", 1000000, 1),
        ["s"] = ("time", 1, 1), ["sec"] = ("time", 1, 1), ["second"] = ("time", 1, 1), ["min"] = ("time", 60, 1), ["minute"] = ("time", 60, 1),
        ["h"] = ("time", 3600, 1), ["hr"] = ("time", 3600, 1), ["hour"] = ("time", 3600, 1), ["day"] = ("time", 86400, 1),
        ["秒"] = ("time", 1, 1), ["分钟"] = ("time", 60, 1), ["小时"] = ("time", 3600, 1), ["天"] = ("time", 86400, 1),
        ["ml"] = ("volume", 1, 1000), ["l"] = ("volume", 1, 1), ["liter"] = ("volume", 1, 1), ["litre"] = ("volume", 1, 1), ["升"] = ("volume", 1, 1), ["毫升"] = ("volume", 1, 1000),
        ["cent"] = ("money", 1, 100), ["dollar"] = ("money", 1, 1), ["元"] = ("yuan", 1, 1), ["角"] = ("yuan", 1, 10), ["分"] = ("yuan", 1, 100),
        ["cm^2"] = ("area", 1, 10000), ["m^2"] = ("area", 1, 1), ["km^2"] = ("area", 1000000, 1), ["cm^3"] = ("cubic", 1, 1000000), ["m^3"] = ("cubic", 1, 1),
        ["m/s"] = ("speed", 1, 1), ["km/h"] = ("speed", 1000, 3600), ["kmh"] = ("speed", 1000, 3600), ["mph"] = ("milespeed", 1, 1),
        ["degree"] = ("angle", 1, 1), ["度"] = ("angle", 1, 1),
    };

    /// <summary>Takes the unit off the end of a normalised scalar.</summary>
    public static MeasuredValue Of(string text)
    {
        if (text.EndsWith('%'))
        {
            return new MeasuredValue(text[..^1].Trim(), "", true);
        }

        if (text.EndsWith(" percent", StringComparison.OrdinalIgnoreCase))
        {
            return new MeasuredValue(text[..^8].Trim(), "", true);
        }

        var start = text.Length;
        while (start > 0 && IsUnitLetter(text, start - 1))
        {
            start--;
        }

        var value = text[..start].Trim();
        var tail = text[start..];
        var unit = Singular(tail.Trim().ToLowerInvariant().Replace(" ^", "^", StringComparison.Ordinal));
        var isGlued = tail.Length > 0 && !char.IsWhiteSpace(tail[0]) && char.IsAsciiLetter(tail[0]);
        if (unit.Length == 0 || value.Length == 0 || !(char.IsAsciiDigit(value[^1]) || value[^1] is ')' or '}' or 'π') || (isGlued && unit.Length == 1) || !IsUnit(unit))
        {
            return new MeasuredValue(text, "", false);
        }

        return new MeasuredValue(value, unit, false);
    }

    /// <summary>How many of the other unit make one of this one; null where the two measure different things.</summary>
    public Rational? FactorTo(MeasuredValue other)
    {
        if (Unit == other.Unit || Unit.Length == 0 || other.Unit.Length == 0)
        {
            return Rational.Of(1);
        }

        return units.TryGetValue(Unit, out var mine) && units.TryGetValue(other.Unit, out var theirs) && mine.Dimension == theirs.Dimension
            ? Rational.Of((System.Numerics.BigInteger)mine.Top * theirs.Bottom, (System.Numerics.BigInteger)mine.Bottom * theirs.Top)
            : null;
    }

    /// <summary>A unit of the table, or words that are no product of variables: three letters and more, or Chinese.</summary>
    private static bool IsUnit(string unit) =>
        units.ContainsKey(unit) || (unit.All(c => char.IsLetter(c) || c == ' ') && (unit[0] > 0x2E7F || unit.Split(' ').All(word => word.Length >= 3)));

    private static bool IsUnitLetter(string text, int i) =>
        (char.IsLetter(text[i]) && text[i] != 'π') || char.IsWhiteSpace(text[i]) || (text[i] == '/' && i + 1 < text.Length && char.IsLetter(text[i + 1]))
        || text[i] == '^' || (text[i] is '2' or '3' && i > 0 && text[i - 1] == '^');

    private static string Singular(string unit) => unit.Length > 3 && unit.EndsWith('s') ? unit[..^1] : unit;
}
