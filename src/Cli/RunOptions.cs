using System.CommandLine;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary>Options of how a model runs that several commands share, and what they say about it.</summary>
internal static class RunOptions
{
    /// <summary>From this length on a run says what memory it takes.</summary>
    public const long LongContext = 32_768;

    /// <summary>A new <c>--kv-type</c> option.</summary>
    public static Option<KeyValueType> KeyValueType(KeyValueType otherwise) => new("--kv-type")
    {
        Description = $"How keys and values are stored: f32, f16, bf16 or q8. Default {Name(otherwise)}.",
        HelpName = "TYPE",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            foreach (var type in Enum.GetValues<KeyValueType>())
            {
                if (text.Equals(Name(type), StringComparison.OrdinalIgnoreCase))
                {
                    return type;
                }
            }

            result.AddError($"--kv-type is \"{text}\"; it takes f32, f16, bf16 or q8.");
            return otherwise;
        },
    };

    /// <summary>A new <c>--bf16-inputs</c> option.</summary>
    public static Option<BFloat16Inputs> BFloat16Inputs(BFloat16Inputs otherwise)
    {
        var option = new Option<BFloat16Inputs>("--bf16-inputs")
        {
            Description = "How products with BF16 weights read their inputs: exact (in f32), or rounded to bf16 as well, where the CPU multiplies bf16.",
            DefaultValueFactory = _ => otherwise,
        };
        option.AcceptOnlyFromAmong("exact", "rounded");
        return option;
    }

    /// <summary>A new <c>--pin</c> option.</summary>
    public static Option<bool> Pin() => new("--pin") { Description = "Keep each compute thread on one CPU (Linux)." };

    /// <summary>The name of a type as the option takes it.</summary>
    public static string Name(KeyValueType type) => type.ToString().ToLowerInvariant();

    /// <summary>Says so when threads were to be pinned and could not.</summary>
    public static void NotePinning(TextWriter error, ComputePool pool, bool wanted)
    {
        if (wanted && pool.PinnedThreads < pool.Threads - 1)
        {
            error.WriteLine(OperatingSystem.IsLinux()
                ? $"note: only {pool.PinnedThreads} of {pool.Threads - 1} compute threads could be pinned: the process has no more CPUs of its own."
                : "note: --pin works on Linux only; the threads are not pinned.");
        }
    }

    /// <summary>Says what memory a run of <paramref name="tokens"/> tokens takes, when it is a long one.</summary>
    public static void NoteMemory(TextWriter error, LoadedModel loaded, long tokens)
    {
        if (tokens < LongContext)
        {
            return;
        }

        var plan = loaded.Plan(tokens);
        error.WriteLine(FormattableString.Invariant(
            $"memory for {tokens:N0} tokens: weights {ByteSize.Format(plan.MappedWeights)} mapped and {ByteSize.Format(plan.PackedWeights)} packed, ")
            + FormattableString.Invariant($"lightning states {ByteSize.Format(plan.LightningStates)}, keys and values {ByteSize.Format(plan.KeyValues)} in {Name(plan.KeyValueType)}, ")
            + FormattableString.Invariant($"activations {ByteSize.Format(plan.Activations)}; together {ByteSize.Format(plan.Total)}"));
    }
}
