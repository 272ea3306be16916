using System.Text;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary>A piece of the text of a roll-out with the probability that it was drawn with.</summary>
/// <param name="Text">Text of one token, or of several that make up one character.</param>
/// <param name="InLoss">False for what the environment said.</param>
/// <param name="Probability">Probability when drawn: of several tokens the product.</param>
/// <param name="TrainProbability">The same under the trainer; null where it is not known.</param>
internal sealed record TokenSpan(string Text, bool InLoss, double Probability, double? TrainProbability);

/// <summary>Cuts the tokens of a roll-out into pieces of text.</summary>
internal static class TokenSpans
{
    /// <summary>The pieces. Without a tokenizer, or for ids that it does not know, a piece is the id in brackets.</summary>
    public static IReadOnlyList<TokenSpan> Of(Rollout rollout, Tokenizer? tokenizer)
    {
        var spans = new List<TokenSpan>();
        var bytes = new List<byte>();
        var (drawn, trained) = (0.0, 0.0);
        for (var i = 0; i < rollout.Tokens.Length; i++)
        {
            var id = rollout.Tokens[i];
            var isKnown = tokenizer is not null && id >= 0 && id < tokenizer.VocabularySize;
            bytes.AddRange(isKnown ? tokenizer!.TokenBytes(id) : Encoding.UTF8.GetBytes($"[{id}]"));
            drawn += rollout.Logprobs[i];
            trained += rollout.TrainLogprobs?[i] ?? 0;
            var ends = i + 1 == rollout.Tokens.Length || rollout.InLoss(i + 1) != rollout.InLoss(i) || EndsCharacter(bytes);
            if (ends)
            {
                spans.Add(new TokenSpan(
                    Encoding.UTF8.GetString([.. bytes]), rollout.InLoss(i), Math.Exp(drawn), rollout.TrainLogprobs is null ? null : Math.Exp(trained)));
                bytes.Clear();
                (drawn, trained) = (0, 0);
            }
        }

        return spans;
    }

    /// <summary>The tokenizer of the newest checkpoint of a run, or of a model folder; null where there is none.</summary>
    public static Tokenizer? TokenizerOf(string runFolder, string? modelFolder)
    {
        if (modelFolder is not null)
        {
            return Tokenizer.Load(modelFolder);
        }

        var checkpoints = Path.Combine(runFolder, "checkpoints");
        var newest = Directory.Exists(checkpoints)
            ? Directory.EnumerateDirectories(checkpoints).Where(folder => File.Exists(Path.Combine(folder, "tokenizer.json"))).Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        return newest is null ? null : Tokenizer.Load(newest);
    }

    /// <summary>True when the bytes are whole characters of UTF-8.</summary>
    private static bool EndsCharacter(List<byte> bytes)
    {
        var start = bytes.Count - 1;
        while (start >= 0 && bytes.Count - start < 4 && (bytes[start] & 0xC0) == 0x80)
        {
            start--;
        }

        var needed = start < 0 ? 1 : bytes[start] switch { >= 0xF0 and < 0xF8 => 4, >= 0xE0 and < 0xF0 => 3, >= 0xC0 and < 0xE0 => 2, _ => 1 };
        return bytes.Count - start >= needed;
    }
}
