using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>Token ids of a conversation, and which of them the assistant generated.</summary>
/// <param name="Ids">Token ids.</param>
/// <param name="LossMask">True for each id that counts in the loss of training.</param>
public sealed record TokenizedChat(int[] Ids, bool[] LossMask);

/// <summary>From the segments of a rendered conversation to token ids.</summary>
public static class ChatTokenizer
{
    /// <summary>
    /// Encodes control segments as special ids, everything else as plain text that can never become one. Neighbouring plain segments are joined, so the ids
    /// are those of the whole text; where the loss mask changes is a hard border, because the model generated from there.
    /// </summary>
    /// <exception cref="InvalidInputException">The tokenizer lacks a control token of the chat format.</exception>
    public static TokenizedChat Tokenize(RenderedChat chat, Tokenizer tokenizer)
    {
        var (ids, mask, plain) = (new List<int>(), new List<bool>(), new StringBuilder());
        var inLoss = false;
        foreach (var segment in chat.Segments)
        {
            if (segment.Kind == ChatSegmentKind.Control || segment.InLoss != inLoss)
            {
                Encode(inLoss);
            }

            inLoss = segment.InLoss;
            if (segment.Kind == ChatSegmentKind.Plain)
            {
                plain.Append(segment.Text);
                continue;
            }

            ids.Add(tokenizer.TryGetSpecial(segment.Text, out var id)
                ? id
                : throw new InvalidInputException($"The tokenizer has no token {segment.Text}, which the chat format needs. Use the tokenizer of a MiniMax-M1 model."));
            mask.Add(inLoss);
        }

        Encode(inLoss);
        return new TokenizedChat([.. ids], [.. mask]);

        void Encode(bool flag)
        {
            if (plain.Length > 0)
            {
                tokenizer.Encode(plain.ToString(), ids);
                plain.Clear();
                mask.AddRange(Enumerable.Repeat(flag, ids.Count - mask.Count));
            }
        }
    }
}
