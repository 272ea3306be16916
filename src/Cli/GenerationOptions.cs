using System.CommandLine;
using System.Globalization;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary>How much the model may think: as it likes, not at all, or a number of tokens.</summary>
/// <param name="Enabled">False: the prompt ends with an empty think block.</param>
/// <param name="Budget">Tokens of thinking, or null.</param>
internal readonly record struct Thinking(bool Enabled, int? Budget)
{
    /// <summary>Reads <c>on</c>, <c>off</c> or a number.</summary>
    public static bool TryParse(string text, out Thinking thinking)
    {
        thinking = new Thinking(text != "off", null);
        if (text is "on" or "off")
        {
            return true;
        }

        var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var budget);
        thinking = new Thinking(true, budget);
        return isNumber;
    }

    /// <inheritdoc/>
    public override string ToString() => !Enabled ? "off" : Budget?.ToString(CultureInfo.InvariantCulture) ?? "on";
}

/// <summary>Options of the commands that generate: model, threads, sampling.</summary>
internal sealed class GenerationOptions
{
    private readonly Option<string?> model = DefaultModel.CreateOption();
    private readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
    private readonly Option<bool> pin = RunOptions.Pin();
    private readonly Option<KeyValueType> keyValueType = RunOptions.KeyValueType(new ModelOptions().KeyValueType);
    private readonly Option<BFloat16Inputs> bfloat16Inputs = RunOptions.BFloat16Inputs(new ModelOptions().BFloat16Inputs);
    private readonly Option<bool> checkFinite = new("--check-finite") { Description = "Read all weights first and refuse NaN and infinities." };
    private readonly Option<int?> maxTokens = new("--max-tokens", "-n") { Description = "Longest answer, thinking included; default 4096." };
    private readonly Option<double?> temperature = new("--temperature") { Description = "0 is greedy; default 1." };
    private readonly Option<double?> topP = new("--top-p") { Description = "Smallest set of tokens with this probability; default 0.95." };
    private readonly Option<int?> topK = new("--top-k") { Description = "Only the K likeliest tokens; default all." };
    private readonly Option<double?> minP = new("--min-p") { Description = "Only tokens at least this likely, relative to the likeliest." };
    private readonly Option<double?> repetitionPenalty = new("--repetition-penalty") { Description = "Above 1: makes tokens that occurred less likely." };
    private readonly Option<double?> presencePenalty = new("--presence-penalty") { Description = "Taken from the logit of each token that was generated." };
    private readonly Option<double?> frequencyPenalty = new("--frequency-penalty") { Description = "Taken once for each time a token was generated." };
    private readonly Option<ulong?> seed = new("--seed") { Description = "Makes the answer repeatable." };
    private readonly Option<string[]> stop = new("--stop") { Description = "Text that ends the answer; can be given several times." };
    private readonly Option<int> repetitionStop = new("--repetition-stop") { Description = "End after N tokens in a row with p > 0.99; the report uses 3000.", HelpName = "N" };
    private readonly Option<string> think = new("--think") { Description = "on, off, or a number of tokens of thinking.", DefaultValueFactory = _ => "on" };

    public GenerationOptions()
    {
        think.Validators.Add(result =>
        {
            if (!Cli.Thinking.TryParse(result.GetValueOrDefault<string>()!, out _))
            {
                result.AddError("--think takes on, off, or a number of tokens.");
            }
        });
    }

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            model, threads, pin, keyValueType, bfloat16Inputs, checkFinite, maxTokens, temperature, topP, topK, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed, stop,
            repetitionStop, think,
        ];
        Array.ForEach(all, command.Add);
    }

    /// <summary>How much thinking is asked for.</summary>
    public Thinking Thinking(ParseResult parsed) => Cli.Thinking.TryParse(parsed.GetRequiredValue(think), out var thinking) ? thinking : default;

    /// <summary>Opens the model that is asked for.</summary>
    public InferenceEngine OpenEngine(ParseResult parsed)
    {
        var folder = DefaultModel.Resolve(parsed.GetValue(model));
        if (parsed.GetValue(threads) < 0)
        {
            throw new InvalidInputException("--threads must not be negative.");
        }

        var engine = InferenceEngine.Open(folder, new ModelOptions
        {
            Threads = parsed.GetValue(threads),
            Pin = parsed.GetValue(pin),
            KeyValueType = parsed.GetValue(keyValueType),
            BFloat16Inputs = parsed.GetValue(bfloat16Inputs),
            CheckFinite = parsed.GetValue(checkFinite),
        });
        RunOptions.NotePinning(parsed.InvocationConfiguration.Error, engine.Loaded.Pool, parsed.GetValue(pin));
        return engine;
    }

    /// <summary>The sampling that is asked for.</summary>
    public SamplingParams Sampling(ParseResult parsed)
    {
        var defaults = new SamplingParams();
        return defaults with
        {
            MaxTokens = parsed.GetValue(maxTokens) ?? 4096,
            Temperature = parsed.GetValue(temperature) ?? defaults.Temperature,
            TopP = parsed.GetValue(topP) ?? defaults.TopP,
            TopK = parsed.GetValue(topK) ?? defaults.TopK,
            MinP = parsed.GetValue(minP) ?? defaults.MinP,
            RepetitionPenalty = parsed.GetValue(repetitionPenalty) ?? defaults.RepetitionPenalty,
            PresencePenalty = parsed.GetValue(presencePenalty) ?? defaults.PresencePenalty,
            FrequencyPenalty = parsed.GetValue(frequencyPenalty) ?? defaults.FrequencyPenalty,
            Seed = parsed.GetValue(seed),
            Stop = parsed.GetValue(stop) ?? [],
            RepetitionStopCount = parsed.GetValue(repetitionStop),
            ThinkingBudget = Thinking(parsed).Budget,
        };
    }
}
