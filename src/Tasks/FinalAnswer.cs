namespace MiniMaxSharp.Tasks;

/// <summary>Finds the final answer of a reply: the last <c>\boxed{…}</c> outside of the thinking. Linear in the length of the reply.</summary>
public static class FinalAnswer
{
    private const string Open = "<think>";
    private const string Close = "</think>";
    private const string Box = "\\boxed";

    /// <summary>
    /// The reply without its thinking. A closing tag alone ends thinking that the prompt opened; an opening tag without its end
    /// is a reply that was cut, and nothing after it counts.
    /// </summary>
    public static string WithoutThinking(string reply)
    {
        var end = reply.LastIndexOf(Close, StringComparison.Ordinal);
        var rest = end < 0 ? reply : reply[(end + Close.Length)..];
        var cut = rest.IndexOf(Open, StringComparison.Ordinal);
        return cut < 0 ? rest : rest[..cut];
    }

    /// <summary>The thinking and the rest of a reply, for people to read; thinking that was cut is all thinking.</summary>
    public static (string Reasoning, string Answer) Split(string reply)
    {
        var answer = WithoutThinking(reply);
        var thinking = reply.LastIndexOf(Close, StringComparison.Ordinal) is var end and >= 0 ? reply[..end]
            : answer.Length < reply.Length ? reply[answer.Length..] : "";
        return (thinking.Trim() is var text && text.StartsWith(Open, StringComparison.Ordinal) ? text[Open.Length..].Trim() : text, answer.Trim());
    }

    /// <summary>The content of the last <c>\boxed{…}</c> after the thinking, trimmed; null where there is none or it is not closed.</summary>
    public static string? Extract(string reply)
    {
        var text = WithoutThinking(reply);
        var start = text.LastIndexOf(Box, StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        var open = start + Box.Length;
        while (open < text.Length && char.IsWhiteSpace(text[open]))
        {
            open++;
        }

        if (open == text.Length || text[open] != '{')
        {
            return null;
        }

        var depth = 0;
        for (var i = open; i < text.Length; i++)
        {
            var escaped = text[i - 1] == '\\' && text[i - 2] != '\\';
            depth += escaped ? 0 : text[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                return text[(open + 1)..i].Trim();
            }
        }

        return null;
    }

    /// <summary>
    /// The format reward, apart from the score: 1 when the reply thinks once, closes its thinking, and then gives exactly one
    /// boxed answer; otherwise 0. The opening tag may stand in the prompt.
    /// </summary>
    public static double FormatReward(string reply)
    {
        var close = reply.IndexOf(Close, StringComparison.Ordinal);
        if (close < 0 || reply.IndexOf(Close, close + 1, StringComparison.Ordinal) >= 0)
        {
            return 0;
        }

        var open = reply.IndexOf(Open, StringComparison.Ordinal);
        if (reply.LastIndexOf(Open, StringComparison.Ordinal) != open || open > close || (open > 0 && !string.IsNullOrWhiteSpace(reply[..open])))
        {
            return 0;
        }

        var answer = reply[(close + Close.Length)..];
        var box = answer.IndexOf(Box, StringComparison.Ordinal);
        return box >= 0 && answer.LastIndexOf(Box, StringComparison.Ordinal) == box && Extract(reply) is { Length: > 0 } ? 1 : 0;
    }
}
