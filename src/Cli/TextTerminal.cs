using Spectre.Console;

namespace MiniMaxSharp.Cli;

/// <summary>Spectre.Console on the writer of a command.</summary>
internal static class TextTerminal
{
    // Wide enough that no table of this command line wraps in a file or a pipe.
    private const int RedirectedWidth = 200;

    /// <summary>
    /// A console on <paramref name="writer"/>. On a terminal it takes its width and abilities; everywhere else the text has no colours,
    /// no Unicode borders and a fixed width.
    /// </summary>
    public static IAnsiConsole On(TextWriter writer)
    {
        var isTerminal = ReferenceEquals(writer, Console.Out) && !Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        if (!isTerminal)
        {
            console.Profile.Width = RedirectedWidth;
            console.Profile.Capabilities.Unicode = false;
        }

        return console;
    }
}
