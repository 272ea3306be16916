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

    /// <summary>Text of one token.</summary>
    public static string TextOf(int id, Tokenizer tokenizer) => Encoding.UTF8.GetString(tokenizer.TokenBytes(id));

    /// <summary>The number as JSON can hold it.</summary>
    public static double Finite(double logProb) => Math.Max(logProb, Impossible);

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
