using System.CommandLine;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train report</c>.</summary>
internal static class ReportCommand
{
    private const string Help = """
        Writes report.html of a run again: one page with the recipe and the curves of all metrics, light or dark, nothing from outside.
        A run writes it at its end by itself; this also works while a run goes on. TensorBoard reads the same metrics: tensorboard --logdir RUN.

        Example: minimax train report runs/smoke
        """;

    private static readonly Argument<string> run = new("RUN") { Description = "Folder of the run." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("report", Help) { run };
        command.SetAction(parsed =>
        {
            parsed.InvocationConfiguration.Output.WriteLine(RunReport.Write(parsed.GetRequiredValue(run)));
            return 0;
        });
        return command;
    }
}
