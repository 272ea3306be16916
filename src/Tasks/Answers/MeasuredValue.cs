namespace MiniMaxSharp.Tasks;

/// <summary>A scalar answer with its unit taken off: a number of metres, a percentage, seven apples.</summary>
/// <param name="Text">The expression that is left.</param>
/// <param name="Unit">The unit in small letters; empty for none.</param>
/// <param name="IsPercent">True when a percent sign was taken off.</param>
internal readonly record struct MeasuredValue(string Text, string Unit, bool IsPercent)
{
    /// <summary>What is measured: each unit and how much of the base unit it is.</summary>
    private const string Table =
        """
        length: mm 1/1000, cm 1/100, dm 1/10, m 1, km 1000, meter 1, metre 1, centimeter 1/100, kilometer 1000, 毫米 1/1000, 厘米 1/100, 米 1, 千米 1000, 公里 1000
        inch: in 1, inch 1, inche 1, ft 12, feet 12, foot 12, yd 36, yard 36, mile 63360
        mass: mg 1/1000, g 1, kg 1000, t 1000000, gram 1, kilogram 1000, 克 1, 千克 1000, 公斤 1000, 吨 1000000
        time: s 1, sec 1, second 1, min 60, minute 60, h 3600, hr 3600, hour 3600, day 86400, 秒 1, 分钟 60, 小时 3600, 天 86400
        volume: ml 1/1000, l 1, liter 1, litre 1, 升 1, 毫升 1/1000
        money: cent 1/100, dollar 1
        yuan: 元 1, 角 1/10, 分 1/100
        area: cm^2 1/10000, m^2 1, km^2 1000000
        cubic: cm^3 1/1000000, m^3 1
        speed: m/s 1, km/h 1000/3600, kmh 1000/3600
        milespeed: mph 1
        angle: degree 1, 度 1
        """;

    private static readonly Dictionary<string, (string Dimension, Rational Size)> units = ReadTable();

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
            ? Rational.Divide(mine.Size, theirs.Size)
            : null;
    }

    /// <summary>A unit of the table, or words that are no product of variables: three letters and more, or Chinese.</summary>
    private static bool IsUnit(string unit) =>
        units.ContainsKey(unit) || (unit.All(c => char.IsLetter(c) || c == ' ') && (unit[0] > 0x2E7F || unit.Split(' ').All(word => word.Length >= 3)));

    private static bool IsUnitLetter(string text, int i) =>
        (char.IsLetter(text[i]) && text[i] != 'π') || char.IsWhiteSpace(text[i]) || (text[i] == '/' && i + 1 < text.Length && char.IsLetter(text[i + 1]))
        || text[i] == '^' || (text[i] is '2' or '3' && i > 0 && text[i - 1] == '^');

    private static Dictionary<string, (string Dimension, Rational Size)> ReadTable()
    {
        var table = new Dictionary<string, (string, Rational)>(StringComparer.Ordinal);
        foreach (var line in Table.Split('\n'))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            foreach (var unit in line[(colon + 1)..].Split(',', StringSplitOptions.TrimEntries))
            {
                var space = unit.IndexOf(' ', StringComparison.Ordinal);
                table[unit[..space]] = (line[..colon], ExpressionParser.Parse(unit[(space + 1)..])!.Exact()!.Value);
            }
        }

        return table;
    }

    private static string Singular(string unit) => unit.Length > 3 && unit.EndsWith('s') ? unit[..^1] : unit;
}
