using System.Globalization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Reads the sampling parameters, which the OpenAI and the Anthropic endpoints name alike.</summary>
internal static class SamplingFields
{
    /// <summary>The parameters of a request; what it leaves out is the model's default.</summary>
    /// <param name="fields">The request.</param>
    /// <param name="maxTokens">Most tokens to generate, which each protocol names in its own way.</param>
    /// <param name="fewest">The least that this may be: 0 where a prompt without an answer is of use.</param>
    /// <exception cref="ApiException">A field has a wrong type.</exception>
    /// <exception cref="InvalidInputException">A field is out of its range.</exception>
    public static SamplingParams Read(RequestFields fields, int? maxTokens, int fewest = 1)
    {
        if (maxTokens < fewest)
        {
            throw new InvalidInputException($"max_tokens is {maxTokens}; it must be {fewest} or more.");
        }

        var defaults = new SamplingParams();
        var sampling = defaults with
        {
            MaxTokens = maxTokens,
            Temperature = fields.Number("temperature") ?? defaults.Temperature,
            TopP = fields.Number("top_p") ?? defaults.TopP,
            TopK = fields.Integer("top_k") ?? defaults.TopK,
            MinP = fields.Number("min_p") ?? defaults.MinP,
            RepetitionPenalty = fields.Number("repetition_penalty") ?? defaults.RepetitionPenalty,
            PresencePenalty = fields.Number("presence_penalty") ?? defaults.PresencePenalty,
            FrequencyPenalty = fields.Number("frequency_penalty") ?? defaults.FrequencyPenalty,
            LogitBias = LogitBias(fields),
            Seed = fields.Long("seed") is { } seed ? unchecked((ulong)seed) : null,
            Stop = fields.Has("stop_sequences") ? fields.Texts("stop_sequences") : fields.Texts("stop"),
            StopTokenIds = fields.Integers("stop_token_ids"),
            IgnoreEos = fields.Flag("ignore_eos") ?? false,
            MinTokens = fields.Integer("min_tokens") ?? 0,
            RepetitionStopCount = fields.Integer("repetition_stop_count") ?? 0,
            RepetitionStopProbability = fields.Number("repetition_stop_probability") ?? defaults.RepetitionStopProbability,
        };
        CheckStops(fields, sampling);
        sampling.Validate();
        return sampling;
    }

    private static void CheckStops(RequestFields fields, SamplingParams sampling)
    {
        var name = fields.Has("stop_sequences") ? "stop_sequences" : "stop";
        if (sampling.Stop.Count > SamplingParams.MaxStopStrings || sampling.Stop.Any(text => text.Length == 0))
        {
            throw ApiException.BadField(fields.Path(name), $"{name} takes at most {SamplingParams.MaxStopStrings} texts, none of them empty.");
        }

        if (sampling.StopTokenIds.Any(id => id < 0))
        {
            throw ApiException.BadField("stop_token_ids", "stop_token_ids must be 0 or more.");
        }
    }

    private static Dictionary<int, float>? LogitBias(RequestFields fields)
    {
        if (fields.Object("logit_bias") is not { } map)
        {
            return null;
        }

        var biases = new Dictionary<int, float>();
        foreach (var name in map.Element.EnumerateObject().Select(property => property.Name))
        {
            biases[int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                ? id
                : throw ApiException.BadField("logit_bias", $"logit_bias has the key '{name}'; its keys must be token ids.")] = (float)(map.Number(name) ?? 0);
        }

        return biases;
    }
}
