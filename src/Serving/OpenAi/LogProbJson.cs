using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Log-probabilities in OpenAI's two forms.</summary>
internal static class LogProbJson
{
    // JSON has no infinity; a token that cannot occur gets a very small number.
    private const double Impossible = -9999;

    /// <summary>A token of a chat answer: <c>{token, logprob, bytes, top_logprobs}</c>; null when none was asked for.</summary>
    public static JsonObject? OfChat(GeneratedToken token, Tokenizer tokenizer)
    {
        if (token.Id < 0 || token.LogProb is not { } logProb)
        {
            return null;
        }

        var json = Entry(token.Id, logProb, tokenizer);
        json["top_logprobs"] = new JsonArray([.. (token.TopLogProbs ?? []).Select(top => Entry(top.Id, top.LogProb, tokenizer))]);
        return json;
    }

    /// <summary>Log-probabilities of a prompt as vLLM gives them: null for the first token, then objects by id, the token of the prompt first.</summary>
    public static JsonArray OfPrompt(RunningRequest running, int alternatives, Tokenizer tokenizer)
    {
        var list = new JsonArray((JsonNode?)null);
        foreach (var score in running.PromptLogProbs ?? [])
        {
            var entry = new JsonObject { [Key(score.Id)] = Ranked(score.Id, score.LogProb, score.Rank, tokenizer) };
            foreach (var (i, top) in score.TopLogProbs.Take(alternatives).Index())
            {
                if (top.Id != score.Id)
                {
                    entry[Key(top.Id)] = Ranked(top.Id, top.LogProb, i + 1, tokenizer);
                }
            }

            list.Add((JsonNode)entry);
        }

        return list;
    }

    /// <summary>Alternatives that a request wants at each token; null when it wants no log-probabilities.</summary>
    public static int? Alternatives(RequestFields fields, string name) => fields.Integer(name) is not { } count ? null
        : count is >= 0 and <= SamplingParams.MaxTopLogProbs ? count
        : throw ApiException.BadField(name, $"{name} is {count}; it must be from 0 to {SamplingParams.MaxTopLogProbs}.");

    /// <summary>vLLM's <c>prompt_logprobs</c>, which streams do not have.</summary>
    public static int? OfPromptWanted(RequestFields fields) => Alternatives(fields, "prompt_logprobs") is not { } count ? null
        : fields.Flag("stream") != true ? count
        : throw ApiException.BadField("prompt_logprobs", "prompt_logprobs does not go with stream. Leave one of them out; /v1/completions streams them with echo and logprobs.");

    /// <summary>Text of one token.</summary>
    public static string TextOf(int id, Tokenizer tokenizer) => Encoding.UTF8.GetString(tokenizer.TokenBytes(id));

    /// <summary>The number as JSON can hold it.</summary>
    public static double Finite(double logProb) => Math.Max(logProb, Impossible);

    private static string Key(int id) => id.ToString(CultureInfo.InvariantCulture);

    private static JsonObject Ranked(int id, double logProb, int rank, Tokenizer tokenizer) =>
        new() { ["logprob"] = Finite(logProb), ["rank"] = rank, ["decoded_token"] = TextOf(id, tokenizer) };

    private static JsonObject Entry(int id, double logProb, Tokenizer tokenizer)
    {
        var bytes = new JsonArray();
        foreach (var one in tokenizer.TokenBytes(id))
        {
            bytes.Add((JsonNode)(int)one);
        }

        return new JsonObject { ["token"] = TextOf(id, tokenizer), ["logprob"] = Finite(logProb), ["bytes"] = bytes };
    }
}
