using System.CommandLine;
using System.Globalization;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train reproduce</c>: the stages of a model that ships with the repository, one after another.</summary>
internal sealed class ReproduceCommand
{
    private const string Help = """
        Trains a model that ships with the repository again, stage after stage, each a recipe of its own that begins with the model of the stage before.
        The folder has one run for each stage, and the finished models beside them. A stage that was stopped goes on from its last checkpoint; one that is finished is left alone.
        m1-nano takes some three hours on two cores.

        Example: minimax train reproduce m1-nano --out my-m1-nano
                 minimax train reproduce m1-nano --out my-m1-nano --stage sft
                 minimax train reproduce m1-nano --out trial --scale 0.01
        """;

    /// <summary>The stages in their order.</summary>
    internal static IReadOnlyList<Stage> Stages { get; } =
    [
        new("pretrain", "pretrain", M1NanoRecipes.Name, M1NanoRecipes.Pretrain().Steps, null),
        .. M1NanoRecipes.FineTunings.Select(static (recipe, i) => new Stage(i == 0 ? "sft" : $"sft-{i + 1}", "sft", recipe.Run.Recipe, recipe.Run.Steps, null)),
        new("rl", "rl", M1NanoRecipes.Name, M1NanoRecipes.Rl().Steps, M1NanoRecipes.Name),
        new("long", "rl", M1NanoRecipes.LongName, M1NanoRecipes.Long().Steps, M1NanoRecipes.LongName),
    ];

    private readonly Argument<string> name = new("NAME") { Description = "m1-nano." };
    private readonly Option<string> outFolder = new("--out", "-o") { Description = "Folder of the runs and models.", Required = true, HelpName = "DIR" };
    private readonly Option<string?> stage = new("--stage") { Description = $"One stage only: {string.Join(", ", Stages.Select(static stage => stage.Name))}. The one before must be finished." };
    private readonly Option<double> scale = new("--scale") { Description = "Share of the steps of every stage, for a trial.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var reproduce = new ReproduceCommand();
        reproduce.name.AcceptOnlyFromAmong(M1NanoRecipes.Name);
        reproduce.stage.AcceptOnlyFromAmong([.. Stages.Select(static stage => stage.Name)]);
        var command = new Command("reproduce", Help) { reproduce.name, reproduce.outFolder, reproduce.stage, reproduce.scale, reproduce.threads };
        command.SetAction(reproduce.Run);
        return command;
    }

    private async Task<int> Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var folder = Path.GetFullPath(parsed.GetRequiredValue(outFolder));
        if (parsed.GetValue(scale) is not (> 0 and <= 1))
        {
            throw new InvalidInputException("--scale must be above 0 and at most 1.");
        }

        for (var i = 0; i < Stages.Count; i++)
        {
            if (parsed.GetValue(stage) is { } only && only != Stages[i].Name)
            {
                continue;
            }

            cancellationToken.ThrowIfCancellationRequested();
            var run = Path.Combine(folder, Stages[i].Name);
            var steps = Math.Max(1, (int)Math.Round(Stages[i].Steps * parsed.GetValue(scale)));
            if (FinishedModel(run, steps) is null)
            {
                await error.WriteLineAsync($"Stage {Stages[i].Name}: {run}").ConfigureAwait(false);
                var code = await CommandLine.InvokeWithin(Arguments(parsed, i, folder, run, steps), output, error, cancellationToken).ConfigureAwait(false);
                if (code != 0)
                {
                    return code;
                }
            }

            if (Stages[i].Model is { } model && FinishedModel(run, steps) is { } finished)
            {
                CopyModel(finished, Path.Combine(folder, model));
                await output.WriteLineAsync($"{model}: {Path.Combine(folder, model)}").ConfigureAwait(false);
            }
        }

        return 0;
    }

    private string[] Arguments(ParseResult parsed, int i, string folder, string run, int steps)
    {
        List<string> arguments =
        [
            TrainCommand.Name, Stages[i].Command, "--recipe", Stages[i].Recipe, "--out", run, "--resume",
            "--steps", steps.ToString(CultureInfo.InvariantCulture), "--threads", parsed.GetValue(threads).ToString(CultureInfo.InvariantCulture),
        ];
        if (i > 0)
        {
            var before = Path.Combine(folder, Stages[i - 1].Name);
            var model = FinishedModel(before, 1)
                ?? throw new InvalidInputException($"{before} has no checkpoint to begin the stage {Stages[i].Name} with. Run the stage {Stages[i - 1].Name} first.");
            arguments.AddRange(["--model", model]);
        }

        return [.. arguments];
    }

    /// <summary>The last checkpoint of a run when it has at least so many steps.</summary>
    private static string? FinishedModel(string run, int steps) =>
        Directory.Exists(run) && TrainingCheckpoint.Latest(run) is { } checkpoint && checkpoint.Step >= steps ? checkpoint.Folder : null;

    /// <summary>Copies what a model folder needs, without the state of the trainer. The folder appears complete or not at all.</summary>
    private static void CopyModel(string checkpoint, string target) => OutputFile.Write(target, path =>
    {
        var temporary = path + ".tmp";
        if (Directory.Exists(temporary))
        {
            Directory.Delete(temporary, recursive: true);
        }

        Directory.CreateDirectory(temporary);
        foreach (var file in Directory.EnumerateFiles(checkpoint))
        {
            File.Copy(file, Path.Combine(temporary, Path.GetFileName(file)));
        }

        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        Directory.Move(temporary, path);
    });

    /// <summary>A stage.</summary>
    /// <param name="Name">Its name, and that of its folder.</param>
    /// <param name="Command">The command of <c>minimax train</c> that runs it.</param>
    /// <param name="Recipe">Its recipe.</param>
    /// <param name="Steps">Steps of the recipe.</param>
    /// <param name="Model">Folder of the model that it finishes; null where a later stage goes on.</param>
    internal sealed record Stage(string Name, string Command, string Recipe, int Steps, string? Model);
}
