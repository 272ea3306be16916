using System.CommandLine;
using System.CommandLine.Parsing;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>The composition root: the <c>minimax</c> command, its subcommands and its exit codes.</summary>
internal static class CommandLine
{
    /// <summary>Exit code for bad usage or bad input.</summary>
    public const int BadInput = 2;

    /// <summary>Exit code for a failure that is not the caller's.</summary>
    public const int Failure = 1;

    /// <summary>Exit code after Ctrl-C.</summary>
    public const int Cancelled = 130;

    /// <summary>Prints the stack trace of an error.</summary>
    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "Print stack traces of errors.", Recursive = true };

    /// <summary>Runs one command line and returns its exit code.</summary>
    /// <param name="args">The words after <c>minimax</c>.</param>
    /// <param name="output">Takes results; null is standard output.</param>
    /// <param name="error">Takes notes and errors; null is standard error.</param>
    public static Task<int> InvokeAsync(string[] args, TextWriter? output = null, TextWriter? error = null) => InvokeWithin(args, output, error, CancellationToken.None);

    /// <summary>Runs a command line inside another command, which gives its cancellation: only the outer one listens to signals.</summary>
    public static async Task<int> InvokeWithin(string[] args, TextWriter? output, TextWriter? error, CancellationToken cancellationToken)
    {
        var parsed = BuildRoot().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }); // "@…" is a prompt like any other.
        var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
        configuration.Output = output ?? configuration.Output;
        configuration.Error = error ?? configuration.Error;
        if (cancellationToken.CanBeCanceled || parsed.CommandResult.Command.Name is ChatCommand.Name or ServeCommand.Name)
        {
            configuration.ProcessTerminationTimeout = null; // Ctrl-C stops the answer, not the program; a server drains first; an outer command listens itself.
        }
        else if (parsed.CommandResult.Parent is CommandResult { Command.Name: TrainCommand.Name })
        {
            configuration.ProcessTerminationTimeout = TimeSpan.FromMinutes(10); // Ctrl-C ends after the step, with a checkpoint.
        }

        if (parsed.Errors.Count > 0)
        {
            foreach (var problem in parsed.Errors)
            {
                var option = problem.SymbolResult is OptionResult { Option.Name: var name } && !problem.Message.Contains(name, StringComparison.Ordinal) ? $"{name}: " : "";
                await configuration.Error.WriteLineAsync($"minimax: {option}{problem.Message}").ConfigureAwait(false);
            }

            await configuration.Error.WriteLineAsync($"Try: {CommandPath(parsed.CommandResult)} --help").ConfigureAwait(false);
            return BadInput;
        }

        try
        {
            return await parsed.InvokeAsync(configuration, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            var text = parsed.GetValue(Verbose) ? exception.ToString() : exception is OperationCanceledException ? "stopped" : exception.Message;
            await configuration.Error.WriteLineAsync($"minimax: {text}").ConfigureAwait(false);
            return exception switch
            {
                InvalidInputException => BadInput,
                OperationCanceledException => Cancelled,
                _ => Failure,
            };
        }
    }

    /// <summary>"minimax", or "minimax run".</summary>
    private static string CommandPath(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{CommandPath(parent)} {result.Command.Name}" : "minimax";

    private static RootCommand BuildRoot()
    {
        var root = new RootCommand("Runs MiniMax-M1 models. One library, one command, no Python.")
        {
            Verbose,
            RunCommand.Create(),
            ChatCommand.Create(),
            TokenizeCommand.Create(),
            RenderCommand.Create(),
            InspectCommand.Create(),
            SynthCommand.Create(),
            LogitsCommand.Create(),
            BenchCommand.Create(),
            PerplexityCommand.Create(),
            DataCommand.Create(),
            ConvertCommand.Create(),
            QuantizeCommand.Create(),
            PullCommand.Create(),
            ServeCommand.Create(),
            KeysCommand.Create(),
            TrainCommand.Create(),
            TasksCommand.Create(),
        };
        return root;
    }
}
