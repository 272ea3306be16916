using System.CommandLine;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary>Command-line options of an engine that serves many requests: threads, slots, queue, prefix cache and sessions.</summary>
internal sealed class EngineFlags
{
    private static readonly EngineOptions engineDefaults = new();
    private readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
    private readonly Option<bool> pin = RunOptions.Pin();
    private readonly Option<KeyValueType> keyValueType = RunOptions.KeyValueType(new ModelOptions().KeyValueType);
    private readonly Option<BFloat16Inputs> bfloat16Inputs = RunOptions.BFloat16Inputs(new ModelOptions().BFloat16Inputs);
    private readonly Option<int?> maxRunning = new("--max-running") { Description = "Answers that run side by side; default 16.", HelpName = "N" };

    private readonly Option<int> maxWaiting = new("--max-waiting")
    {
        Description = "Requests that may wait for a slot; more are answered with 429.",
        DefaultValueFactory = _ => engineDefaults.MaxWaiting,
    };

    private readonly Option<string> cache = new("--cache")
    {
        Description = "Reuse of prompts: off, exact (the bits of a cold run), or fast (reuses more, the last bits may differ).",
        HelpName = "MODE",
        DefaultValueFactory = _ => "exact",
    };

    private readonly Option<string?> cacheBytes = new("--cache-bytes") { Description = "Memory of the prefix cache, such as 4GiB; default a quarter of what is free.", HelpName = "SIZE" };
    private readonly Option<string?> sessionFolder = new("--session-folder") { Description = "Folder in which cached prompts survive a restart.", HelpName = "FOLDER" };
    private readonly Option<string?> sessionBytes = new("--session-bytes") { Description = "Most bytes of that folder for this model; default 16GiB.", HelpName = "SIZE" };

    /// <summary>All of them, for a command.</summary>
    public IEnumerable<Option> All => [threads, pin, keyValueType, bfloat16Inputs, maxRunning, maxWaiting, cache, cacheBytes, sessionFolder, sessionBytes];

    /// <summary>Opens the engine as the options say.</summary>
    /// <exception cref="InvalidInputException">An option is out of its range, or the model cannot be opened.</exception>
    public InferenceEngine Open(ParseResult parsed, string model)
    {
        var options = Options(parsed); // Before the model, which may take minutes to load.
        var engine = InferenceEngine.Open(
            model,
            new ModelOptions
            {
                Threads = AtLeast(0, parsed.GetValue(threads), "--threads"),
                Pin = parsed.GetValue(pin),
                KeyValueType = parsed.GetValue(keyValueType),
                BFloat16Inputs = parsed.GetValue(bfloat16Inputs),
            },
            options);
        RunOptions.NotePinning(parsed.InvocationConfiguration.Error, engine.Loaded.Pool, parsed.GetValue(pin));
        return engine;
    }

    private EngineOptions Options(ParseResult parsed) => new()
    {
        MaxRunning = parsed.GetValue(maxRunning) is { } most ? AtLeast(1, most, "--max-running") : null,
        MaxWaiting = AtLeast(0, parsed.GetValue(maxWaiting), "--max-waiting"),
        CacheMode = Mode(parsed.GetValue(cache)),
        CacheBytes = Size(parsed.GetValue(cacheBytes), "--cache-bytes"),
        SessionFolder = parsed.GetValue(sessionFolder),
        SessionBytes = Size(parsed.GetValue(sessionBytes), "--session-bytes") ?? engineDefaults.SessionBytes,
    };

    private static PrefixCacheMode Mode(string? text) => text switch
    {
        "off" => PrefixCacheMode.Off,
        "exact" => PrefixCacheMode.Exact,
        "fast" => PrefixCacheMode.Fast,
        _ => throw new InvalidInputException($"--cache is \"{text}\"; it takes off, exact or fast."),
    };

    private static long? Size(string? text, string option) => text is null ? null
        : ByteSize.TryParse(text, out var bytes) ? bytes
        : throw new InvalidInputException($"{option} is \"{text}\"; give a size such as 512MiB or 4GB.");

    private static int AtLeast(int least, int value, string option) => value >= least
        ? value
        : throw new InvalidInputException(FormattableString.Invariant($"{option} is {value}; it must be {least} or more."));
}
