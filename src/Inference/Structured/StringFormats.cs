namespace MiniMaxSharp.Inference;

/// <summary>The formats of strings that are followed. Each describes a subset of what its RFC allows, in the usual spelling.</summary>
internal static class StringFormats
{
    private const string Day = "(0[1-9]|1[0-9]|2[0-8])";

    // 29 February only in years that 4 divides and 100 does not, or 400 does.
    private const string Date =
        $"([0-9]{{4}}-((0[1-9]|1[0-2])-{Day}|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
        + "|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)";

    private const string Time = @"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    private const string Octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private const string Label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    private const string HostName = $@"{Label}(\.{Label}){{0,3}}";
    private const string AtomText = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]";
    private const string Group = "[0-9A-Fa-f]{1,4}";

    private const string Ipv6 =
        $"(({Group}:){{7}}{Group}|({Group}:){{1,7}}:|({Group}:){{1,6}}:{Group}|({Group}:){{1,5}}(:{Group}){{1,2}}|({Group}:){{1,4}}(:{Group}){{1,3}}"
        + $"|({Group}:){{1,3}}(:{Group}){{1,4}}|({Group}:){{1,2}}(:{Group}){{1,5}}|{Group}:(:{Group}){{1,6}}|:((:{Group}){{1,7}}|:))";

    // At least one part behind the P, and behind a T.
    private const string DurationTime = "T([0-9]{1,4}H([0-9]{1,4}M)?([0-9]{1,4}S)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S)";

    private const string Duration =
        "P([0-9]{1,4}W|([0-9]{1,4}Y([0-9]{1,4}M)?([0-9]{1,4}D)?|[0-9]{1,4}M([0-9]{1,4}D)?|[0-9]{1,4}D)(" + DurationTime + ")?|" + DurationTime + ")";

    private static readonly Dictionary<string, string> patterns = new(StringComparer.Ordinal)
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = $"{Date}T{Time}",
        ["duration"] = Duration,
        ["uuid"] = "[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
        ["email"] = $@"{AtomText}{{1,32}}(\.{AtomText}{{1,32}}){{0,3}}@{Label}(\.{Label}){{1,3}}",
        ["hostname"] = HostName,
        ["ipv4"] = $@"({Octet}\.){{3}}{Octet}",
        ["ipv6"] = Ipv6,
        ["uri"] = "[A-Za-z][A-Za-z0-9+.-]{0,31}:([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+(#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?",
    };

    /// <summary>Names of the formats that are followed.</summary>
    public static IEnumerable<string> Names => patterns.Keys;

    /// <summary>The expression of a format; null when it is not followed.</summary>
    public static RegexNode? Find(string format) => patterns.TryGetValue(format, out var pattern) ? RegexParser.Parse(pattern, format) : null;
}
