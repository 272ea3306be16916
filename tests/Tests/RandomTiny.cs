namespace MiniMaxSharp.Tests;

/// <summary>The placeholder model of the repository, with its tokenizer.</summary>
internal static class RandomTiny
{
    /// <summary>Its folder beside the test program.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "models", "random-tiny");
}
