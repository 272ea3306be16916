using System.CommandLine;

namespace MiniMaxSharp.Cli;

/// <summary>The model of a command: the one that is named, or the one that is shipped beside the program.</summary>
internal static class DefaultModel
{
    /// <summary>Environment variable that names another default.</summary>
    public const string EnvironmentVariable = "MINIMAX_MODEL";

    private static readonly string shipped = Path.Combine(AppContext.BaseDirectory, "models", "m1-nano");

    /// <summary>A new <c>--model</c> option.</summary>
    public static Option<string?> CreateOption() => new("--model", "-m")
    {
        Description = $"Folder of the model. Default: ${EnvironmentVariable}, or m1-nano, a small reasoning model that is shipped with the program.",
        HelpName = "DIR",
    };

    /// <summary>A new argument <c>MODEL</c> that may be left out.</summary>
    public static Argument<string?> CreateArgument() => new("MODEL")
    {
        Description = $"Folder of the model, or a .gguf file. Default: ${EnvironmentVariable}, or m1-nano, a small reasoning model that is shipped with the program.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>The folder to open.</summary>
    public static string Resolve(string? option)
    {
        var configured = option ?? Environment.GetEnvironmentVariable(EnvironmentVariable);
        return string.IsNullOrEmpty(configured) ? shipped : configured;
    }
}
