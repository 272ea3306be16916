using System.Globalization;

namespace MiniMaxSharp.Cli;

/// <summary>Sizes as people write them: <c>5GB</c> is 5·10^9 bytes, <c>5GiB</c> is 5·2^30.</summary>
internal static class ByteSize
{
    private static readonly (string Suffix, double Factor)[] units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1), ("", 1),
    ];

    /// <summary>Reads a size; false for text that is none, or that is below one byte.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var (suffix, factor) = units.First(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        var number = text.AsSpan(0, text.Length - suffix.Length).Trim();
        var isSize = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value * factor >= 1 && value * factor < long.MaxValue;
        bytes = isSize ? (long)(value * factor) : 0;
        return isSize;
    }

    /// <summary>A size with three or four digits, for example <c>4.06 GB</c>.</summary>
    public static string Format(double bytes)
    {
        var (suffix, factor) = units.Where(unit => !unit.Suffix.Contains('i', StringComparison.Ordinal) && unit.Suffix.Length > 0)
            .OrderByDescending(unit => unit.Factor).FirstOrDefault(unit => bytes >= unit.Factor, ("B", 1));
        return (bytes / factor).ToString(factor > 1 ? "0.00" : "0", CultureInfo.InvariantCulture) + " " + suffix;
    }
}
