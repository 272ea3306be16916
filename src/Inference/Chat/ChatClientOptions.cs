using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MiniMaxSharp.Inference;

/// <summary>What <see cref="ChatOptions"/> ask for, in the words of the engine.</summary>
/// <param name="Sampling">How tokens are drawn, with the thinking budget.</param>
/// <param name="Thinks">False: the model answers at once.</param>
internal readonly record struct ChatClientOptions(SamplingParams Sampling, bool Thinks)
{
    /// <summary>Reads the options; what they leave out is the model's default.</summary>
    /// <exception cref="InvalidInputException">A value is out of its range.</exception>
    /// <exception cref="NotSupportedException">The options name a conversation, and this client keeps none.</exception>
    public static ChatClientOptions Read(ChatOptions options, IChatClient client)
    {
        if (options.ConversationId is not null)
        {
            throw new NotSupportedException("This client keeps no conversations: send all messages with each call, and leave ConversationId out.");
        }

        var defaults = options.RawRepresentationFactory?.Invoke(client) as SamplingParams ?? new SamplingParams();
        var (thinks, budget) = Thinking(options, defaults.ThinkingBudget);
        var sampling = defaults with
        {
            Temperature = Exact(options.Temperature) ?? defaults.Temperature,
            TopP = Exact(options.TopP) ?? defaults.TopP,
            TopK = options.TopK ?? defaults.TopK,
            MinP = Number(options, "min_p") ?? defaults.MinP,
            RepetitionPenalty = Number(options, "repetition_penalty") ?? defaults.RepetitionPenalty,
            PresencePenalty = Exact(options.PresencePenalty) ?? defaults.PresencePenalty,
            FrequencyPenalty = Exact(options.FrequencyPenalty) ?? defaults.FrequencyPenalty,
            Seed = options.Seed is { } seed ? unchecked((ulong)seed) : defaults.Seed,
            Stop = options.StopSequences is { Count: > 0 } stop ? [.. stop] : defaults.Stop,
            MaxTokens = options.MaxOutputTokens ?? defaults.MaxTokens,
            ThinkingBudget = thinks ? budget : null,
        };
        sampling.Validate();
        return new ChatClientOptions(sampling, thinks);
    }

    /// <summary>A number of tokens beats an effort, and "off" beats both, as at the HTTP endpoints.</summary>
    private static (bool Thinks, int? Budget) Thinking(ChatOptions options, int? otherwise)
    {
        var effort = options.Reasoning?.Effort;
        int? ofEffort = effort switch
        {
            ReasoningEffort.Low => 2048,
            ReasoningEffort.Medium => 8192,
            ReasoningEffort.High => 32768,
            _ => null,
        };
        var enabled = Value(options, "enable_thinking") switch
        {
            null => true,
            bool flag => flag,
            JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } flag => flag.GetBoolean(),
            var other => throw new InvalidInputException($"enable_thinking is {other}; it must be true or false."),
        };
        var budget = Number(options, "thinking_token_budget");
        if (budget is not null && (budget != Math.Floor(budget.Value) || budget > int.MaxValue))
        {
            throw new InvalidInputException(FormattableString.Invariant($"thinking_token_budget is {budget}; it must be a whole number, 0 or more."));
        }

        return (enabled && effort != ReasoningEffort.None, (int?)budget ?? ofEffort ?? otherwise);
    }

    private static object? Value(ChatOptions options, string name) =>
        options.AdditionalProperties is { } properties && properties.TryGetValue(name, out var value) ? value : null;

    private static double? Number(ChatOptions options, string name) => Value(options, name) switch
    {
        null => null,
        JsonElement { ValueKind: JsonValueKind.Number } json => json.GetDouble(),
        float number => Exact(number),
        int or long or double or decimal => Convert.ToDouble(Value(options, name), CultureInfo.InvariantCulture),
        var other => throw new InvalidInputException($"{name} is {other}; it must be a number."),
    };

    /// <summary>0.7f becomes 0.7, not 0.699999988: the caller meant the decimal number.</summary>
    private static double? Exact(float? value) =>
        value is { } number ? double.Parse(number.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : null;
}
