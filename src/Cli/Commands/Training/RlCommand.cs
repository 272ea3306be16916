using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train rl</c>.</summary>
internal sealed class RlCommand
{
    private const string Help = """
        Reinforcement learning on tasks with verifiers: draws groups of answers, judges them, and learns from the differences within each group.
        The folder of the run has run.json, metrics.jsonl, rollouts.jsonl and checkpoints/step-….
        Exit code 1 when the rise of the accuracy that the recipe states is not reached.

        Without --model the recipe makes its own start model, from generated data and fixed seeds, in OUT/start.

        Example: minimax train rl --recipe nano-arithmetic-cispo --out my-rl
                 minimax train rl --recipe nano-arithmetic-cispo --model my-sft/checkpoints/step-00000400 --out dapo --set loss=dapo --set is_weight_max=null
        """;

    private static readonly string[] curves =
    [
        "reward", "eval/greedy", "completions/mean_length", "entropy", "clip_ratio/region_mean", "rollout_actor_probs_pearson_corr",
        "time/rollout_share", "time/reward_share", "time/train_share",
    ];

    private readonly Option<string?> recipe = new("--recipe")
    {
        Description = "One of:\n" + string.Join('\n', RlRecipes.All.Select(static known => $"{known.Run.Recipe}: {known.Description}")),
        HelpName = "NAME",
    };

    private readonly Option<string> outFolder = new("--out", "-o") { Description = "Folder of the run.", Required = true, HelpName = "DIR" };
    private readonly Option<bool> resume = new("--resume") { Description = "Go on from the last checkpoint of the run in --out, with its recipe; start when there is none." };
    private readonly Option<string?> model = new("--model", "-m") { Description = "Folder of the model to start from.", HelpName = "DIR" };
    private readonly Option<int?> steps = new("--steps") { Description = "Generation batches." };
    private readonly Option<ulong?> seed = new("--seed") { Description = "Of prompts and draws." };
    private readonly Option<int?> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
    private readonly Option<string[]> set = new("--set") { Description = "A field of the recipe, as in run.json. Can be given several times.", HelpName = "NAME=VALUE" };

    /// <summary>Makes the command.</summary>
    public static Command Create() => new RlCommand().CreateCommand();

    private Command CreateCommand()
    {
        var command = new Command("rl", Help) { recipe, outFolder, resume, model, steps, seed, threads, set };
        command.SetAction((parsed, cancellationToken) => Task.Run(() => Run(parsed, cancellationToken), cancellationToken));
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var folder = parsed.GetRequiredValue(outFolder);
        var run = Resolve(parsed, folder, cancellationToken);
        error.WriteLine(TrainingRunJson.ToText(run.ToJson()));
        var view = new TrainingView(error, TimeProvider.System, TrainingView.TerminalWidth(error), TimeSpan.Zero, curves, PlainLine);
        var result = Rl.Run(run, folder, parsed.GetValue(resume), view, view.Note, cancellationToken);
        error.WriteLine($"Report: {RunReport.Write(folder)}");
        var gain = 100 * (result.FinalAccuracy - result.StartAccuracy);
        output.WriteLine(Invariant(
            $"greedy accuracy {100 * result.StartAccuracy:F1} % before, {100 * result.FinalAccuracy:F1} % after {result.Steps:N0} steps, {result.GeneratedTokens:N0} drawn tokens, in {result.Elapsed.TotalSeconds:F1} s: {result.Checkpoint}"));
        if (run.GoalGain is { } goal && !(gain >= goal))
        {
            error.WriteLine(Invariant($"minimax: the recipe states a rise of at least {goal} points; it was {gain:F1}."));
            return CommandLine.Failure;
        }

        return 0;
    }

    /// <summary>The recipe by name, or that of the run that is resumed, with the options over it.</summary>
    private RlRun Resolve(ParseResult parsed, string folder, CancellationToken cancellationToken)
    {
        var stored = parsed.GetValue(resume) ? RunFolder.ReadRecipe(folder) : null;
        if (stored is null && parsed.GetValue(recipe) is null)
        {
            throw new InvalidInputException($"--recipe is missing. The recipes are: {string.Join(", ", RlRecipes.All.Select(static known => known.Run.Recipe))}.");
        }

        var json = stored ?? RlRecipes.Find(parsed.GetValue(recipe)!).Run.ToJson();
        foreach (var (name, value) in (parsed.GetValue(set) ?? []).Select(Assignment))
        {
            json[name] = value;
        }

        var run = RlRun.Parse(json, stored is null ? "the recipe with --set" : Path.Combine(folder, "run.json"));
        run = run with
        {
            Model = parsed.GetValue(model) is { } given ? Path.GetFullPath(given) : run.Model,
            Steps = parsed.GetValue(steps) ?? run.Steps,
            Seed = parsed.GetValue(seed) ?? run.Seed,
            Threads = parsed.GetValue(threads) ?? run.Threads,
            // The stated rise is that of the recipe's own start model and steps.
            GoalGain = parsed.GetValue(model) is not null || parsed.GetValue(steps) is not null ? null : run.GoalGain,
        };
        var start = run.Model.Length > 0 ? null : RlRecipes.Find(run.Recipe).Start;
        (start is null ? run : run with { Model = folder }).Validate(); // Before minutes are spent on the start model.
        return start is null ? run : run with { Model = MakeStart(start, folder, parsed.InvocationConfiguration.Error, cancellationToken) };
    }

    private static string MakeStart(StartModel model, string runFolder, TextWriter error, CancellationToken cancellationToken)
    {
        var start = Path.Combine(runFolder, "start");
        error.WriteLine($"The start model is made in {start}.");
        var view = new TrainingView(error, TimeProvider.System, TrainingView.TerminalWidth(error), TimeSpan.FromSeconds(5), ["loss", "eval/loss"], static value =>
            Invariant($"start model: step {value.Step} of {value.Steps}, loss {value.Loss:F4}, {value.TokensPerSecond:N0} tokens/s"));
        return model.Make(start, view, view.Note, cancellationToken);
    }

    /// <summary>NAME=VALUE; a value that is no JSON is a text.</summary>
    private static (string Name, JsonNode? Value) Assignment(string argument)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
        {
            throw new InvalidInputException($"--set {argument}: write NAME=VALUE, such as --set learning_rate=1e-4.");
        }

        var text = argument[(equals + 1)..];
        try
        {
            return (argument[..equals], JsonNode.Parse(text));
        }
        catch (JsonException)
        {
            return (argument[..equals], JsonValue.Create(text));
        }
    }

    private static string PlainLine(TrainingProgress value)
    {
        double Of(string name) => value.Metrics.TryGetValue(name, out var found) ? found : double.NaN;
        return Invariant(
            $"{value.Step}/{value.Steps} reward {Of("reward"):F3} length {Of("completions/mean_length"):F1} entropy {Of("entropy"):F3} clipped {Of("clip_ratio/region_mean"):F4} correlation {Of("rollout_actor_probs_pearson_corr"):F6}, rollout {100 * Of("time/rollout_share"):F0} % reward {100 * Of("time/reward_share"):F0} % train {100 * Of("time/train_share"):F0} %, {value.TokensPerSecond:F0} tok/s, {value.TimeLeft.TotalSeconds:F0} s left")
            + (value.Metrics.TryGetValue("eval/greedy", out var greedy) ? Invariant($", greedy {greedy:F3}") : "");
    }
}
