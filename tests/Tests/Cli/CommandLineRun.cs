using MiniMaxSharp.Cli;

namespace MiniMaxSharp.Tests.Cli;

/// <summary>One run of the command line inside the test process.</summary>
internal sealed record CommandLineRun(int ExitCode, string Output, string Error)
{
    public static async Task<CommandLineRun> Of(params string[] args)
    {
        using StringWriter output = new(), error = new();
        var exitCode = await CommandLine.InvokeAsync(args, output, error);
        return new CommandLineRun(exitCode, output.ToString(), error.ToString());
    }
}
