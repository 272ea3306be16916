using System.CommandLine;

namespace MiniMaxSharp.Cli;

/// <summary>The model of a command: <c>--model</c>, or the one that is shipped beside the program.</summary>
internal static class DefaultModel
{
    /// <summary>Environment variable that names another default.</summary>
    public const string EnvironmentVariable = "MINIMAX_MODEL";

    /// <summary>Notice for the shipped placeholder.</summary>
    public const string RandomNotice = "random-tiny is a placeholder with random weights: its answers are noise. Name a real model with --model DIR.";

    /// <summary>Tokens that the placeholder answers with: it never ends its turn.</summary>
    public const int RandomMaxTokens = 48;

    private static readonly string shipped = Path.Combine(AppContext.BaseDirectory, "models", "random-tiny");

    /// <summary>A new <c>--model</c> option.</summary>
    public static Option<string?> CreateOption() => new("--model", "-m")
    {
        Description = $"Folder of the model. Default: ${EnvironmentVariable}, or the placeholder with random weights that is shipped with the program.",
        HelpName = "DIR",
    };

    /// <summary>The folder to open, and whether it is the placeholder.</summary>
    public static (string Folder, bool IsRandom) Resolve(string? option)
    {
        var configured = option ?? Environment.GetEnvironmentVariable(EnvironmentVariable);
        return string.IsNullOrEmpty(configured) ? (shipped, true) : (configured, false);
    }
}
