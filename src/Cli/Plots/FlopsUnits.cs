using System.Globalization;

namespace MiniMaxSharp.Cli;

/// <summary>Units in which large counts are shown.</summary>
internal static class FlopsUnits
{
    private static readonly string[] Flops = ["FLOP", "KFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP"];
    private static readonly string[] Sizes = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

    /// <summary>The unit in which <paramref name="flops"/> has one to three digits before the point, and what to divide by.</summary>
    public static (string Name, double Divisor) For(double flops) => Choose(flops, Flops);

    /// <summary>For example <c>127.48 GFLOP</c>.</summary>
    public static string Text(Int128 flops) => Format((double)flops, Flops);

    /// <summary>Bytes in decimal units, for example <c>293.6 MB</c>.</summary>
    public static string Bytes(Int128 bytes) => bytes < 1000 ? $"{bytes} B" : Format((double)bytes, Sizes);

    /// <summary>A context length: <c>128K</c> and <c>1M</c> for multiples of 1024 and 1024², else digits.</summary>
    public static string Tokens(long tokens) => tokens switch
    {
        > 0 when tokens % (1 << 20) == 0 => $"{tokens >> 20}M",
        > 0 when tokens % (1 << 10) == 0 => $"{tokens >> 10}K",
        _ => tokens.ToString("N0", CultureInfo.InvariantCulture),
    };

    private static string Format(double value, string[] units)
    {
        var (name, divisor) = Choose(value, units);
        return string.Create(CultureInfo.InvariantCulture, $"{value / divisor:0.00} {name}");
    }

    private static (string Name, double Divisor) Choose(double value, string[] units)
    {
        var (index, divisor) = (0, 1.0);
        while (value / divisor >= 1000 && index < units.Length - 1)
        {
            index++;
            divisor *= 1000;
        }

        return (units[index], divisor);
    }
}
