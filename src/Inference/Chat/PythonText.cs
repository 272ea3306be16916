namespace MiniMaxSharp.Inference;

/// <summary>What the Python code behind the chat templates does to text.</summary>
internal static class PythonText
{
    /// <summary>Python's <c>str.strip()</c>, which is Jinja's <c>trim</c>.</summary>
    public static string Strip(string text)
    {
        var start = 0;
        var end = text.Length;
        while (start < end && IsSpace(text[start]))
        {
            start++;
        }

        while (end > start && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    /// <summary>Python's <c>str.isspace()</c>: .NET's white space and the four separators U+001C to U+001F.</summary>
    public static bool IsSpace(char c) => c is >= '\u001c' and <= '\u001f' || char.IsWhiteSpace(c);
}
