using System.Numerics;
using System.Text;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

/// <summary>Random texts of a grammar, drawn token by token from its masks, and the way of a given text through it.</summary>
internal static class GrammarWalk
{
    private const int EndId = 0;

    /// <summary>The tokenizer of the placeholder model.</summary>
    public static Tokenizer Tokenizer { get; } = Tokenizer.Load(RandomTiny.Folder);

    /// <summary>Its vocabulary.</summary>
    public static TokenTrie Trie { get; } = new(Tokenizer);

    /// <summary>Ends of a turn in these tests: an id that is special, so it is never text.</summary>
    public static int[] EndIds { get; } = [Tokenizer.TryGetSpecial("<end_of_sentence>", out var id) ? id : EndId];

    /// <summary>Draws tokens until the text ends. After <paramref name="patience"/> tokens it prefers the end and then these bytes, the first most:
    /// quotes come before brackets, which inside a string are text.</summary>
    public static string Draw(Grammar grammar, Random random, int patience = 60, string closers = "\"}]")
    {
        var matcher = grammar.CreateMatcher(Trie, EndIds);
        var mask = new uint[matcher.MaskLength];
        var text = new List<byte>();
        for (var step = 0; step < 4000; step++)
        {
            matcher.FillMask(mask);
            var allowed = Allowed(mask);
            Assert.True(allowed.Count > 0, $"Dead end behind {Encoding.UTF8.GetString([.. text])}");
            var id = allowed[random.Next(allowed.Count)];
            id = step > patience && allowed.Where(token => Rank(token, closers) >= -1).OrderBy(token => Rank(token, closers)).FirstOrDefault(-1) is var closing and >= 0 ? closing : id;
            Assert.True(matcher.Accept(id), $"The mask allows {id}, but it is not taken.");
            if (EndIds.Contains(id) || matcher.IsFinished)
            {
                text.AddRange(EndIds.Contains(id) ? [] : Tokenizer.TokenBytes(id));
                return new UTF8Encoding(false, true).GetString([.. text]);
            }

            text.AddRange(Tokenizer.TokenBytes(id));
        }

        throw new InvalidOperationException($"No end: {Encoding.UTF8.GetString([.. text])}");
    }

    /// <summary>Whether the tokens of a text are allowed one by one and the text can end behind them.</summary>
    public static bool Takes(Grammar grammar, string text)
    {
        var matcher = grammar.CreateMatcher(Trie, EndIds);
        var mask = new uint[matcher.MaskLength];
        foreach (var id in Tokenizer.Encode(text))
        {
            matcher.FillMask(mask);
            var isAllowed = (mask[id >> 5] & (1u << id)) != 0;
            Assert.Equal(isAllowed, matcher.Clone().Accept(id));
            if (!isAllowed)
            {
                return false;
            }

            matcher.Accept(id);
        }

        return matcher.CanEnd;
    }

    /// <summary>The ids of a mask.</summary>
    public static List<int> Allowed(ReadOnlySpan<uint> mask)
    {
        var ids = new List<int>();
        for (var word = 0; word < mask.Length; word++)
        {
            for (var bits = mask[word]; bits != 0; bits &= bits - 1)
            {
                ids.Add((word * 32) + BitOperations.TrailingZeroCount(bits));
            }
        }

        return ids;
    }

    private static int Rank(int id, string closers) =>
        EndIds.Contains(id) ? -1 : Tokenizer.TokenBytes(id) is [var only] && closers.Contains((char)only, StringComparison.Ordinal) ? closers.IndexOf((char)only, StringComparison.Ordinal) : -2;
}
