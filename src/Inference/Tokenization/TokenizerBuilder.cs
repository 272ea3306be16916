using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Collects what a tokenizer file says and checks it. The order is: all added tokens, all tokens of the vocabulary, all merges, <see cref="Build"/>.
/// Tokens come in the <see cref="ByteAlphabet"/>. Every problem is an <see cref="InvalidInputException"/> that names the file.
/// </summary>
internal sealed class TokenizerBuilder
{
    private readonly string source;
    private readonly Vocabulary vocabulary = new();
    private readonly MergeTable merges;
    private readonly Dictionary<int, AddedToken> addedById = [];
    private readonly Dictionary<string, AddedToken> addedByContent = new(StringComparer.Ordinal);
    private readonly List<AddedToken> added = [];
    private byte[] scratch = new byte[1024];
    private int mergeCount;

    /// <summary>Makes an empty builder; <paramref name="source"/> is the file that messages name.</summary>
    public TokenizerBuilder(string source, int mergeCount)
    {
        this.source = source;
        this.merges = new MergeTable(mergeCount);
    }

    /// <summary>Adds an entry of <c>added_tokens</c>.</summary>
    public void AddAddedToken(AddedToken token)
    {
        CheckId(token.Id, Encoding.UTF8.GetBytes(token.Content));
        if (token.Content.Length == 0)
        {
            throw Error($"the added token with id {token.Id} has no content.");
        }

        if (!addedById.TryAdd(token.Id, token))
        {
            throw Error($"the id {token.Id} belongs to two added tokens, \"{addedById[token.Id].Content}\" and \"{token.Content}\".");
        }

        if (!addedByContent.TryAdd(token.Content, token))
        {
            throw Error($"the added token \"{token.Content}\" has two ids, {addedByContent[token.Content].Id} and {token.Id}.");
        }

        this.added.Add(token);
    }

    /// <summary>Adds a token of the vocabulary.</summary>
    public void AddToken(int id, ReadOnlySpan<byte> letters)
    {
        CheckId(id, letters);
        if (this.vocabulary.Contains(id))
        {
            throw Error($"the id {id} belongs to two tokens; the second is \"{Show(letters)}\".");
        }

        if (addedById.TryGetValue(id, out var added))
        {
            // An added token may stand in the vocabulary too; it is not indexed, so that text cannot become it.
            if (added.Content != Show(letters))
            {
                throw Error($"the id {id} belongs to the token \"{Show(letters)}\" and to the added token \"{added.Content}\".");
            }

            this.vocabulary.Add(id, Encoding.UTF8.GetBytes(added.Content), indexed: false);
            return;
        }

        var bytes = Decode(letters);
        if (this.vocabulary.Find(bytes) is var other and >= 0)
        {
            throw Error($"the token \"{Show(letters)}\" has two ids, {other} and {id}.");
        }

        this.vocabulary.Add(id, bytes, indexed: true);
    }

    /// <summary>Adds the next merge, of two tokens into the token of the vocabulary that is both together.</summary>
    public void AddMerge(ReadOnlySpan<byte> leftLetters, ReadOnlySpan<byte> rightLetters)
    {
        var bytes = Decode(leftLetters, rightLetters, out var leftLength);
        var left = FindPart(bytes[..leftLength], leftLetters);
        var right = FindPart(bytes[leftLength..], rightLetters);
        var whole = this.vocabulary.Find(bytes);
        if (whole < 0)
        {
            whole = FindPart(bytes, (byte[])[.. leftLetters, .. rightLetters]);
        }

        // A merge that involves an added token is left out: text must not become one.
        if (left < 0 || right < 0 || whole < 0)
        {
            this.mergeCount++;
            return;
        }

        AddMerge(left, right, whole);
    }

    /// <summary>Adds the next merge and its token, whose id is given (files without a vocabulary).</summary>
    public void AddMergeWithToken(ReadOnlySpan<byte> leftLetters, ReadOnlySpan<byte> rightLetters, int id)
    {
        var bytes = Decode(leftLetters, rightLetters, out var leftLength);
        var left = FindPart(bytes[..leftLength], leftLetters);
        var right = FindPart(bytes[leftLength..], rightLetters);
        if (this.vocabulary.Find(bytes) is var other and >= 0)
        {
            throw Error($"merge {this.mergeCount + 1} makes the token {other} a second time, so ids cannot be counted from the merges. Add the model's tokenizer.json or vocab.json.");
        }

        if (addedById.TryGetValue(id, out var added) || left < 0 || right < 0)
        {
            throw Error($"merge {this.mergeCount + 1} makes or uses an added token{(added is null ? "" : $", \"{added.Content}\" with id {id}")}. Files of two models were mixed; download them again.");
        }

        this.vocabulary.Add(id, bytes, indexed: true);
        AddMerge(left, right, id);
    }

    /// <summary>The finished parts.</summary>
    public TokenizerParts Build(bool normalizesToNfc, bool ignoresMerges)
    {
        foreach (var token in this.added)
        {
            var bytes = Encoding.UTF8.GetBytes(token.Content);
            if (this.vocabulary.Contains(token.Id))
            {
                continue;
            }

            if (this.vocabulary.Find(bytes) is var other and >= 0)
            {
                throw Error($"the added token \"{token.Content}\" has the id {token.Id}, but in the vocabulary it is {other}.");
            }

            this.vocabulary.Add(token.Id, bytes, indexed: false);
        }

        return new TokenizerParts(this.vocabulary, FindBytes(), this.merges, this.added) { NormalizesToNfc = normalizesToNfc, IgnoresMerges = ignoresMerges };
    }

    private void AddMerge(int left, int right, int whole)
    {
        if (!this.merges.TryAdd(left, right, this.mergeCount++, whole))
        {
            throw Error($"merge {this.mergeCount} (of tokens {left} and {right}) stands twice. The file is damaged; download it again.");
        }
    }

    private int[] FindBytes()
    {
        var ids = new int[256];
        for (var value = 0; value < 256; value++)
        {
            ids[value] = this.vocabulary.Find([(byte)value]);
            if (ids[value] < 0)
            {
                throw Error($"the vocabulary has no token for the byte 0x{value:X2}. Only byte-level BPE, with all 256 bytes, is supported.");
            }
        }

        return ids;
    }

    /// <summary>Id of a token that a merge names; -1 for an added token.</summary>
    private int FindPart(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> letters)
    {
        var id = this.vocabulary.Find(bytes);
        if (id < 0 && !addedByContent.ContainsKey(Show(letters)))
        {
            throw Error($"merge {this.mergeCount + 1} names the token \"{Show(letters)}\", which the vocabulary does not have. The file is damaged or files of two models were mixed; download them again.");
        }

        return id;
    }

    /// <summary>The bytes of two tokens, one after the other; valid until the next call.</summary>
    private ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, out int leftLength)
    {
        EnsureScratch(left.Length + right.Length);
        leftLength = DecodeTo(0, left);
        return scratch.AsSpan(0, leftLength + DecodeTo(leftLength, right));
    }

    private ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> letters)
    {
        EnsureScratch(letters.Length);
        return scratch.AsSpan(0, DecodeTo(0, letters));
    }

    private void EnsureScratch(int length)
    {
        if (scratch.Length < length)
        {
            scratch = new byte[length * 2];
        }
    }

    private int DecodeTo(int start, ReadOnlySpan<byte> letters)
    {
        var length = ByteAlphabet.Decode(letters, scratch.AsSpan(start));
        return length > 0
            ? length
            : throw Error($"the token \"{Show(letters)}\" is empty or has characters that stand for no byte in the byte-level alphabet.");
    }

    private void CheckId(int id, ReadOnlySpan<byte> letters)
    {
        if (id is < 0 or > Vocabulary.LargestId)
        {
            throw Error($"the token \"{Show(letters)}\" has the id {id}; ids go from 0 to {Vocabulary.LargestId}.");
        }
    }

    private static string Show(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

    private InvalidInputException Error(string problem) => new($"{this.source}: {problem}");
}
