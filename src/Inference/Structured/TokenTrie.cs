using System.Text.Unicode;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The bytes of all tokens of a vocabulary as two trees, in which whole subtrees of tokens are refused at once. Plain tokens are whole characters that a
/// JSON string takes as they are; a state inside a free string allows them without a look at the tree. Special tokens are in neither tree.
/// Safe for many threads. About 20 bytes a node.
/// </summary>
public sealed class TokenTrie
{
    /// <summary>Longer tokens don't count as plain.</summary>
    internal const int MaxPlainLength = 32;

    private readonly uint[][] plainUpTo = new uint[MaxPlainLength + 1][];
    private readonly ReadOnlyMemory<byte>[] bytesOf;

    /// <summary>Makes the trees of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="vocabularySize">Ids that may be drawn; 0 takes those of the tokenizer.</param>
    public TokenTrie(Tokenizer tokenizer, int vocabularySize = 0)
    {
        VocabularySize = vocabularySize > 0 ? Math.Min(vocabularySize, tokenizer.VocabularySize) : tokenizer.VocabularySize;
        bytesOf = new ReadOnlyMemory<byte>[VocabularySize];
        for (var length = 0; length <= MaxPlainLength; length++)
        {
            plainUpTo[length] = new uint[MaskLength];
        }

        var plain = new List<int>();
        var rest = new List<int>();
        for (var id = 0; id < VocabularySize; id++)
        {
            if (!tokenizer.HasText(id))
            {
                continue;
            }

            bytesOf[id] = tokenizer.TokenBytes(id).ToArray();
            var characters = PlainLength(bytesOf[id].Span);
            (characters > 0 ? plain : rest).Add(id);
            for (var length = characters; characters > 0 && length <= MaxPlainLength; length++)
            {
                plainUpTo[length][id >> 5] |= 1u << id;
            }
        }

        Plain = new Tree(plain, bytesOf);
        Rest = new Tree(rest, bytesOf);
    }

    /// <summary>Ids that a mask speaks of: 0 to this.</summary>
    public int VocabularySize { get; }

    /// <summary>Words of a mask: one bit an id.</summary>
    public int MaskLength => (VocabularySize + 31) / 32;

    /// <summary>Plain tokens.</summary>
    internal Tree Plain { get; }

    /// <summary>All others: with quotes, backslashes, control characters or parts of characters.</summary>
    internal Tree Rest { get; }

    /// <summary>The bytes of a token; empty for special tokens and ids without token.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id) => bytesOf[id].Span;

    /// <summary>Mask of the plain tokens with at most this many characters.</summary>
    internal ReadOnlySpan<uint> PlainUpTo(int characters) => plainUpTo[Math.Min(characters, MaxPlainLength)];

    /// <summary>Characters of a token that is plain; 0 for others.</summary>
    private static int PlainLength(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes) || bytes.IndexOfAny((byte)'"', (byte)'\\') >= 0 || bytes.IndexOfAnyInRange((byte)0, (byte)0x1F) >= 0)
        {
            return 0;
        }

        var count = 0;
        foreach (var value in bytes)
        {
            count += (value & 0xC0) != 0x80 ? 1 : 0;
        }

        return count <= MaxPlainLength ? count : 0;
    }

    /// <summary>One tree, in the order in which a walk meets its nodes: a node before its children. The root has no entry.</summary>
    internal sealed class Tree
    {
        /// <summary>Makes the tree of these tokens.</summary>
        public Tree(List<int> ids, ReadOnlyMemory<byte>[] bytesOf)
        {
            // Tokens beyond 255 bytes would not fit the depth column; those of this family end at 128.
            ids.RemoveAll(id => bytesOf[id].Length is 0 or > byte.MaxValue);
            ids.Sort((a, b) => bytesOf[a].Span.SequenceCompareTo(bytesOf[b].Span) is var order and not 0 ? order : a.CompareTo(b));
            Ids = [.. ids];
            var values = new List<byte>();
            var depths = new List<byte>();
            var ends = new List<int>();
            var tokensAt = new List<int>();
            var path = new Stack<int>();
            ReadOnlySpan<byte> before = [];
            foreach (var id in ids)
            {
                var bytes = bytesOf[id].Span;
                Close(path, bytes.CommonPrefixLength(before), ends);
                while (path.Count < bytes.Length)
                {
                    values.Add(bytes[path.Count]);
                    depths.Add((byte)path.Count);
                    ends.Add(0);
                    tokensAt.Add(0);
                    path.Push(values.Count - 1);
                }

                tokensAt[path.Peek()]++;
                LongestToken = Math.Max(LongestToken, bytes.Length);
                before = bytes;
            }

            Close(path, 0, ends);
            (Values, Depths, Ends) = ([.. values], [.. depths], [.. ends]);
            FirstIds = new int[values.Count + 1];
            for (var node = 0; node < values.Count; node++)
            {
                FirstIds[node + 1] = FirstIds[node] + tokensAt[node];
            }
        }

        /// <summary>Tokens in the order of the nodes.</summary>
        public int[] Ids { get; }

        /// <summary>Bytes of the longest token.</summary>
        public int LongestToken { get; }

        /// <summary>The byte of each node.</summary>
        public byte[] Values { get; }

        /// <summary>Bytes before each node.</summary>
        public byte[] Depths { get; }

        /// <summary>For each node the first node that is not below it.</summary>
        public int[] Ends { get; }

        /// <summary>For each node the place in <see cref="Ids"/> of the tokens that end there; they go up to the place of the next node.</summary>
        public int[] FirstIds { get; }

        private static void Close(Stack<int> path, int depth, List<int> ends)
        {
            while (path.Count > depth)
            {
                ends[path.Pop()] = ends.Count;
            }
        }
    }
}
