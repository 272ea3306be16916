using System.CommandLine;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary>The options of <c>train pretrain</c> and <c>train sft</c>: a recipe by name, and what of it is different this time.</summary>
internal sealed class TrainRunOptions<TRun>
    where TRun : TrainingRun
{
    private readonly IReadOnlyList<TrainingRecipe<TRun>> recipes;
    private readonly Option<string?> recipe;
    private readonly Option<string> outFolder = new("--out", "-o") { Description = "Folder of the run.", Required = true, HelpName = "DIR" };
    private readonly Option<bool> resume = new("--resume") { Description = "Go on from the last checkpoint of the run in --out, with its recipe; start when there is none." };
    private readonly Option<string?> model = new("--model", "-m") { Description = "Folder of the model to start from.", HelpName = "DIR" };
    private readonly Option<string[]> data = new("--data") { Description = "JSON lines or Parquet files to train on; FILE=WEIGHT weights one. Can be given several times.", HelpName = "FILE" };
    private readonly Option<string[]> evaluationData = new("--eval-data") { Description = "Files to evaluate on, instead of a share of the data.", HelpName = "FILE" };
    private readonly Option<ulong?> seed = new("--seed") { Description = "Of the order of the records and of new weights." };
    private readonly Option<int?> steps = new("--steps") { Description = "Optimiser steps." };
    private readonly Option<int?> batchTokens = new("--batch-tokens") { Description = "Tokens of one step." };
    private readonly Option<int[]> length = new("--length") { Description = "Longest sequence; several are stages of equal share.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<double?> learningRate = new("--lr") { Description = "Learning rate at its peak." };
    private readonly Option<int?> saveEvery = new("--save-every") { Description = "Steps between checkpoints." };
    private readonly Option<int?> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
    private readonly Option<int?> loraRank = new("--lora-rank") { Description = "Train adapters of this rank and keep the weights of --model. 0 trains the weights.", HelpName = "R" };
    private readonly Option<double?> loraAlpha = new("--lora-alpha") { Description = "The adapters count alpha / rank; 2 R when it is not given." };
    private readonly Option<string[]> loraTargets = new("--lora-targets") { Description = $"Matrices with adapters: {string.Join(", ", LoraOptions.KnownTargets)}. All when not given.", HelpName = "NAME", AllowMultipleArgumentsPerToken = true };
    private readonly Option<bool> deterministic = new("--deterministic") { Description = "Fix the number of threads, so that a resumed run gives the same weights bit for bit." };

    /// <summary>Options with these recipes.</summary>
    public TrainRunOptions(IReadOnlyList<TrainingRecipe<TRun>> recipes)
    {
        this.recipes = recipes;
        recipe = new("--recipe") { Description = "One of:\n" + string.Join('\n', recipes.Select(static known => $"{known.Run.Recipe}: {known.Description}")), HelpName = "NAME" };
    }

    /// <summary>Trains a run.</summary>
    public delegate TrainingResult Loop(TRun run, string folder, bool resume, IProgress<TrainingProgress>? progress, Action<string>? note, CancellationToken cancellationToken);

    /// <summary>The command of a loop.</summary>
    public Command CreateCommand(string name, string help, Loop loop)
    {
        var command = new Command(name, help) { recipe, outFolder, resume, model, data, evaluationData, seed, steps, batchTokens, length, learningRate, saveEvery, threads, loraRank, loraAlpha, loraTargets, deterministic };
        command.SetAction((parsed, cancellationToken) => Task.Run(() => Run(parsed, loop, cancellationToken), cancellationToken));
        return command;
    }

    private int Run(ParseResult parsed, Loop loop, CancellationToken cancellationToken)
    {
        var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var folder = parsed.GetRequiredValue(outFolder);
        var run = Resolve(parsed, folder);
        error.WriteLine(TrainingRunJson.ToText(run.ToJson()));
        var view = new TrainingView(
            error, TimeProvider.System, TrainingView.TerminalWidth(error), TimeSpan.FromSeconds(5), ["loss", "eval/loss", "grad_norm", "lr"], PlainLine);
        var result = loop(run, folder, parsed.GetValue(resume), view, view.Note, cancellationToken);
        output.WriteLine(Invariant(
            $"loss {result.FinalLoss:F4}{(result.EvaluationLoss is null ? "" : " on held-out data")} after {result.Steps:N0} steps, {result.Tokens:N0} tokens, in {result.Elapsed.TotalSeconds:F1} s: {result.Checkpoint}"));
        error.WriteLine($"Report: {RunReport.Write(folder)}");
        if (run.GoalLoss is { } goal && !(result.FinalLoss <= goal))
        {
            error.WriteLine(Invariant($"minimax: the recipe states a loss of at most {goal}; it was not reached."));
            return CommandLine.Failure;
        }

        return 0;
    }

    /// <summary>The recipe by name, or that of the run that is resumed, with the options over it.</summary>
    private TRun Resolve(ParseResult parsed, string folder)
    {
        var stored = parsed.GetValue(resume) ? RunFolder.ReadRecipe(folder) : null;
        if (stored is null && parsed.GetValue(recipe) is null)
        {
            throw new InvalidInputException($"--recipe is missing. The recipes are: {string.Join(", ", recipes.Select(static known => known.Run.Recipe))}.");
        }

        var run = stored is null
            ? TrainingRecipe<TRun>.Find(recipes, parsed.GetValue(recipe)!).Run
            : TrainingRunJson.Parse<TRun>(stored, Path.Combine(folder, "run.json"));
        var files = parsed.GetValue(data) ?? [];
        var lengths = parsed.GetValue(length) ?? [];
        if (stored is not null && run.Deterministic && parsed.GetValue(threads) is { } other && other != run.Threads)
        {
            throw new InvalidInputException($"The run is deterministic on {run.Threads} threads. Resume it without --threads.");
        }

        run = run with
        {
            // The stated loss is that of the recipe's own data and steps.
            GoalLoss = files.Length > 0 || parsed.GetValue(steps) is not null ? null : run.GoalLoss,
            Model = parsed.GetValue(model) is { } given ? Path.GetFullPath(given) : run.Model,
            Data = files.Length > 0 ? [.. files.Select(SourceOf)] : run.Data,
            EvaluationFiles = parsed.GetValue(evaluationData) is { Length: > 0 } held ? [.. held.Select(Path.GetFullPath)] : run.EvaluationFiles,
            Seed = parsed.GetValue(seed) ?? run.Seed,
            Steps = parsed.GetValue(steps) ?? run.Steps,
            BatchTokens = parsed.GetValue(batchTokens) ?? run.BatchTokens,
            Stages = lengths.Length > 0 ? [.. lengths.Select(static tokens => new ContextStage(tokens))] : run.Stages,
            LearningRate = parsed.GetValue(learningRate) ?? run.LearningRate,
            SaveEvery = parsed.GetValue(saveEvery) ?? run.SaveEvery,
            Threads = parsed.GetValue(threads) ?? run.Threads,
            Lora = Adapters(parsed, run.Lora),
            Deterministic = parsed.GetValue(deterministic) || run.Deterministic,
        };
        run = run.Deterministic && run.Threads == 0 ? run with { Threads = Environment.ProcessorCount } : run;
        run.Validate();
        if (files.Length == 0 && recipes.FirstOrDefault(known => known.Run.Recipe == run.Recipe)?.WriteData is { } writeData)
        {
            writeData(folder);
        }

        return run;
    }

    private LoraOptions? Adapters(ParseResult parsed, LoraOptions? known)
    {
        var (rank, alpha, targets) = (parsed.GetValue(loraRank), parsed.GetValue(loraAlpha), parsed.GetValue(loraTargets) ?? []);
        var wanted = rank ?? known?.Rank ?? 0;
        if (wanted == 0)
        {
            return alpha is null && targets.Length == 0 ? null : throw new InvalidInputException("--lora-alpha and --lora-targets need --lora-rank. Usual ranks are 8 to 64.");
        }

        return new LoraOptions
        {
            Rank = wanted,
            Alpha = alpha ?? (rank is null ? known!.Alpha : 2 * wanted),
            Targets = targets.Length > 0 ? targets : known?.Targets ?? LoraOptions.KnownTargets,
        };
    }

    private static string PlainLine(TrainingProgress value) =>
        Invariant($"step {value.Step} of {value.Steps}, loss {value.Loss:F4}, {value.TokensPerSecond:N0} tokens/s, {value.TimeLeft.TotalSeconds:0} s left")
        + (value.Metrics.TryGetValue("eval/loss", out var evaluation) ? Invariant($", held-out loss {evaluation:F4}") : "");

    private static DataSource SourceOf(string argument)
    {
        var equals = argument.LastIndexOf('=');
        var weighted = equals > 0 && !File.Exists(argument);
        var path = Path.GetFullPath(weighted ? argument[..equals] : argument);
        var weight = 1.0;
        if (weighted && !double.TryParse(argument[(equals + 1)..], System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out weight))
        {
            throw new InvalidInputException($"--data {argument}: the weight after = is no number. Example: --data texts.jsonl=2.5");
        }

        return new DataSource(Path.GetFileNameWithoutExtension(path), [path], weight);
    }
}
