using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax perplexity</c>: how well a model predicts a text, and how far it is from a reference model.</summary>
internal static class PerplexityCommand
{
    private const string Help = """
        Scores a text, or token ids, in windows that start from an empty state; every token but the first of a window counts.
        With --reference it also prints the KL divergence from the reference (for example the unquantised model), the mean
        difference of the log-probabilities, and how often both like the same token best.

        Examples:
          minimax perplexity /models/m1-q8 --text book.txt --reference /models/m1
          minimax perplexity models/m1-nano --text README.md --window 256 --json
        """;

    private static readonly Argument<string> model = new("MODEL") { Description = "The model." };

    private static readonly Option<string?> text = new("--text") { Description = "UTF-8 text file; - reads standard input.", HelpName = "FILE" };

    private static readonly Option<string?> tokensFile = new("--tokens") { Description = "Instead of a text: JSON file, an array of token ids.", HelpName = "FILE" };

    private static readonly Option<string?> reference = new("--reference") { Description = "Model to compare with; the same tokenizer.", HelpName = "MODEL" };

    private static readonly Option<int> window = new("--window") { Description = "Tokens of a window.", DefaultValueFactory = _ => 512 };

    private static readonly Option<int?> limit = new("--max-tokens", "-n") { Description = "Score at most the first N tokens.", HelpName = "N" };

    private static readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };

    private static readonly Option<bool> json = new("--json") { Description = "Print one JSON object." };

    private static readonly Option<KeyValueType> keyValueType = RunOptions.KeyValueType(KeyValueType.F32);
    private static readonly Option<BFloat16Inputs> bfloat16Inputs = RunOptions.BFloat16Inputs(BFloat16Inputs.Exact);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("perplexity", Help) { model, text, tokensFile, reference, window, limit, threads, keyValueType, bfloat16Inputs, json };
        command.SetAction((parsed, cancellationToken) => Task.Run(() => Run(parsed, cancellationToken), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(window) < 2 || parsed.GetValue(limit) < 2 || parsed.GetValue(threads) < 0)
        {
            throw new InvalidInputException("--window and --max-tokens must be at least 2, --threads must not be negative.");
        }

        if (parsed.GetValue(text) is null == parsed.GetValue(tokensFile) is null)
        {
            throw new InvalidInputException("Name what is scored: either --text FILE or --tokens FILE.");
        }

        var options = new ModelOptions { Threads = parsed.GetValue(threads), KeyValueType = KeyValueType.F32, BFloat16Inputs = BFloat16Inputs.Exact };
        var folder = parsed.GetRequiredValue(model);
        using var loaded = LoadedModel.Open(folder, options with { KeyValueType = parsed.GetValue(keyValueType), BFloat16Inputs = parsed.GetValue(bfloat16Inputs) });
        using var other = parsed.GetValue(reference) is { } named ? LoadedModel.Open(named, options) : null;
        var ids = (parsed.GetValue(text) is { } file ? Tokenizer.Load(folder).Encode(InputFile.ReadText(file)) : LogitsCommand.ReadIds(parsed.GetValue(tokensFile)!)).AsMemory();
        ids = ids[..Math.Min(ids.Length, parsed.GetValue(limit) ?? int.MaxValue)];
        loaded.CheckMemory(parsed.GetValue(window));
        var error = parsed.InvocationConfiguration.Error;
        var progress = new TokenProgress(error, ids.Length, ProgressLine.IsTerminal(error), TimeProvider.System);
        var result = new PerplexityMeter(loaded.Model, other?.Model, parsed.GetValue(window)).Measure(ids, progress, cancellationToken);
        progress.Finish();
        parsed.InvocationConfiguration.Output.WriteLine(parsed.GetValue(json) ? ToJson(result) : ToText(result));
        return 0;
    }

    private static string ToJson(PerplexityResult result)
    {
        var json = new JsonObject
        {
            ["tokens"] = result.Tokens,
            ["perplexity"] = result.Perplexity,
            ["mean_nll"] = result.MeanNll,
            ["standard_error"] = result.StandardError,
        };
        if (result.Divergence is { } divergence)
        {
            json["reference_perplexity"] = Math.Exp(divergence.ReferenceMeanNll);
            json["mean_kl"] = divergence.MeanKl;
            json["max_kl"] = divergence.MaxKl;
            json["mean_abs_delta_logprob"] = divergence.MeanAbsoluteDeltaLogProb;
            json["top1_agreement"] = divergence.TopAgreement;
        }

        return json.ToJsonString();
    }

    private static string ToText(PerplexityResult result)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"perplexity {result.Perplexity:G6} (mean NLL {result.MeanNll:F5} ± {result.StandardError:F5}, {result.Tokens} tokens)");
        return result.Divergence is not { } divergence ? text : text + string.Create(
            CultureInfo.InvariantCulture,
            $"\nreference  {Math.Exp(divergence.ReferenceMeanNll):G6}\nKL         mean {divergence.MeanKl:E3}, largest {divergence.MaxKl:E3} nats\n|Δ log p|  mean {divergence.MeanAbsoluteDeltaLogProb:E3}\nsame best  {divergence.TopAgreement:P2}");
    }
}
