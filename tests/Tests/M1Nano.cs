namespace MiniMaxSharp.Tests;

/// <summary>The reasoning model of the repository, for tests in which an answer matters.</summary>
internal static class M1Nano
{
    /// <summary>Its folder beside the test program.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "models", "m1-nano");
}
