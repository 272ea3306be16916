using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Number and length of texts, in characters and, with a tokenizer, in tokens.</summary>
/// <param name="tokenizer">Whose tokens are counted; null counts characters alone.</param>
public sealed class TextStatistics(Tokenizer? tokenizer)
{
    private static readonly (string Name, double Share)[] quantiles = [("min", 0), ("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1)];
    private readonly List<int> characters = [];
    private readonly List<int> tokens = [];
    private readonly List<int> scratch = [];
    private long bytes;

    /// <summary>Counts a text.</summary>
    public void Add(string text)
    {
        characters.Add(text.Length);
        bytes += Encoding.UTF8.GetByteCount(text);
        if (tokenizer is not null)
        {
            scratch.Clear();
            tokenizer.Encode(text, scratch);
            tokens.Add(scratch.Count);
        }
    }

    /// <summary>The figures as JSON.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["texts"] = characters.Count, ["bytes"] = bytes, ["characters"] = Figures(characters) };
        if (tokenizer is not null)
        {
            json["tokens"] = Figures(tokens);
            json["bytes_per_token"] = tokens.Count == 0 ? null : Math.Round((double)bytes / Math.Max(1, tokens.Sum(static n => (long)n)), 3);
        }

        return json;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{characters.Count:N0} texts, {bytes:N0} bytes");
        Append(text, "characters", characters);
        if (tokenizer is not null)
        {
            Append(text, "tokens", tokens);
            text.Append(CultureInfo.InvariantCulture, $"\n{(double)bytes / Math.Max(1, tokens.Sum(static n => (long)n)):0.00} bytes a token");
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, string unit, List<int> lengths)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n{lengths.Sum(static n => (long)n):N0} {unit}; a text: ");
        text.AppendJoin(", ", quantiles.Select(quantile => string.Create(CultureInfo.InvariantCulture, $"{quantile.Name} {At(lengths, quantile.Share):N0}")));
    }

    private static JsonObject Figures(List<int> lengths)
    {
        var json = new JsonObject { ["total"] = lengths.Sum(static n => (long)n) };
        foreach (var (name, share) in quantiles)
        {
            json[name] = At(lengths, share);
        }

        return json;
    }

    private static int At(List<int> lengths, double share)
    {
        var sorted = lengths.Order().ToArray();
        return sorted.Length == 0 ? 0 : sorted[(int)Math.Round(share * (sorted.Length - 1))];
    }
}
