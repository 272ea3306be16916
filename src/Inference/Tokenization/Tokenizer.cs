using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The byte-level BPE tokenizer of the MiniMax-M1 family. Ids agree with Hugging Face tokenizers on the same file, without any
/// post-processing: nothing is put before or after the text. All members are safe for many threads.
/// </summary>
/// <remarks>
/// Text → added tokens (only when asked for) → NFC → <see cref="PreTokenizer"/> → bytes → merges.
/// Lone surrogates in the text, which UTF-8 cannot express, are encoded as U+FFFD.
/// </remarks>
public sealed class Tokenizer
{
    // Whether the merges lead from the bytes of a token to that token alone; found out when the token is first met.
    // Threads may find out twice, with the same result.
    private const byte Unknown = 0, Whole = 1, NotWhole = 2;

    private readonly Vocabulary vocabulary;
    private readonly BytePairEncoder encoder;
    private readonly TextNormalizer? normalizer;
    private readonly Dictionary<string, int> addedIds = new(StringComparer.Ordinal);
    private readonly HashSet<int> specialIds = [];
    private readonly AddedTokenMatcher addedInRawText;
    private readonly AddedTokenMatcher addedInNormalizedText;
    private readonly byte[] wholeness;

    internal Tokenizer(TokenizerParts parts)
    {
        vocabulary = parts.Vocabulary;
        encoder = new BytePairEncoder(parts.ByteIds, parts.Merges);
        normalizer = parts.NormalizesToNfc ? new TextNormalizer() : null;
        foreach (var token in parts.AddedTokens)
        {
            addedIds.Add(token.Content, token.Id);
            if (token.Special)
            {
                specialIds.Add(token.Id);
            }
        }

        addedInRawText = new(parts.AddedTokens.Where(token => !token.Normalized).Select(token => (token.Content, token.Id)));
        addedInNormalizedText = new(parts.AddedTokens.Where(token => token.Normalized).Select(token => (token.Content, token.Id)));
        this.wholeness = new byte[vocabulary.Size];
        if (parts.IgnoresMerges)
        {
            Array.Fill(this.wholeness, Whole);
        }
    }

    /// <summary>Largest id plus one, added tokens included.</summary>
    public int VocabularySize => vocabulary.Size;

    /// <summary>
    /// Reads the tokenizer of a model folder: <c>tokenizer.json</c> or, without it, <c>merges.txt</c> with <c>tokenizer_config.json</c>
    /// (and <c>vocab.json</c> where it exists). Or that of a .gguf file.
    /// </summary>
    /// <exception cref="InvalidInputException">A file is missing, broken or of an unsupported kind.</exception>
    public static Tokenizer Load(string folder) => new(LoadParts(folder));

    /// <summary>Reads the content of a <c>tokenizer.json</c>; <paramref name="source"/> names it in messages.</summary>
    /// <exception cref="InvalidInputException">The content is broken or of an unsupported kind.</exception>
    public static Tokenizer Parse(ReadOnlySpan<byte> tokenizerJsonUtf8, string source) =>
        new(TokenizerJson.Read(TokenizerFile.CheckUtf8(tokenizerJsonUtf8.ToArray(), source), source));

    /// <summary>The ids of a text; see <see cref="Encode(ReadOnlySpan{char}, List{int}, bool)"/>.</summary>
    public int[] Encode(ReadOnlySpan<char> text, bool allowSpecial = false)
    {
        var output = new List<int>((text.Length / 4) + 4);
        Encode(text, output, allowSpecial);
        return [.. output];
    }

    /// <summary>
    /// Appends the ids of a text. By default the text cannot produce an added token: <c>&lt;end_of_sentence&gt;</c> becomes ordinary pieces.
    /// With <paramref name="allowSpecial"/> added tokens are recognised, the leftmost and longest first, and what stands between them is encoded.
    /// </summary>
    /// <exception cref="InvalidInputException">
    /// The text needs NFC and this process runs without ICU, or it holds more than 1,000 different combining marks after one another.
    /// </exception>
    public void Encode(ReadOnlySpan<char> text, List<int> output, bool allowSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(output);
        while (allowSpecial && addedInRawText.Find(text, out var length, out var id) is var at and >= 0)
        {
            EncodeRaw(text[..at], output, allowSpecial);
            output.Add(id);
            text = text[(at + length)..];
        }

        EncodeRaw(text, output, allowSpecial);
    }

    /// <summary>Id of an added token (special or not) by its content.</summary>
    public bool TryGetSpecial(string content, out int id) => addedIds.TryGetValue(content, out id);

    /// <summary>Whether the id is an added token that the file marks as special; those are left out by <c>skipSpecial</c>.</summary>
    public bool IsSpecial(int id) => specialIds.Contains(id);

    /// <summary>Whether the id is a token whose bytes are part of the text: not a hole in the vocabulary and not special.</summary>
    internal bool HasText(int id) => vocabulary.Contains(id) && !IsSpecial(id);

    /// <summary>Bytes of a token; of an added token the UTF-8 of its content. They need not be whole characters.</summary>
    /// <exception cref="InvalidInputException">The tokenizer has no such id.</exception>
    public ReadOnlySpan<byte> TokenBytes(int id)
    {
        if (!vocabulary.Contains(id))
        {
            ThrowUnknownId(id);
        }

        return vocabulary.BytesOf(id);
    }

    /// <summary>Text of the ids; bytes that are not UTF-8 become U+FFFD. With <paramref name="skipSpecial"/> special tokens are left out.</summary>
    /// <exception cref="InvalidInputException">The tokenizer has no such id.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(16, ids.Length * 4));
        foreach (var id in ids)
        {
            var token = TokenBytes(id);
            if (!skipSpecial || !IsSpecial(id))
            {
                bytes.Write(token);
            }
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>A detokenizer for one stream of ids.</summary>
    public StreamingDetokenizer CreateDetokenizer(bool skipSpecial = false) => new(this, skipSpecial);

    /// <summary>What the tokenizer files of a folder say.</summary>
    internal static TokenizerParts LoadParts(string folder)
    {
        if (GgufFile.IsGgufPath(folder))
        {
            using var file = GgufFile.Open(folder);
            return GgufTokenizer.Read(file.Metadata);
        }

        if (!Directory.Exists(folder))
        {
            throw new InvalidInputException($"{folder}: there is no such folder. Give the folder of a model, with tokenizer.json or merges.txt in it.");
        }

        var json = Path.Combine(folder, "tokenizer.json");
        return File.Exists(json) ? TokenizerJson.Read(TokenizerFile.ReadUtf8(json), json) : MergesFolder.Read(folder);
    }

    private void EncodeRaw(ReadOnlySpan<char> text, List<int> output, bool allowSpecial)
    {
        if (normalizer is not null)
        {
            text = normalizer.Normalize(text);
        }

        while (allowSpecial && addedInNormalizedText.Find(text, out var length, out var id) is var at and >= 0)
        {
            EncodePlain(text[..at], output);
            output.Add(id);
            text = text[(at + length)..];
        }

        EncodePlain(text, output);
    }

    private void EncodePlain(ReadOnlySpan<char> text, List<int> output)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text));
        var utf8 = buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer));
        for (var start = 0; start < utf8.Length;)
        {
            var end = PreTokenizer.EndOfPiece(utf8, start);
            EncodePiece(utf8[start..end], output);
            start = end;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Most pieces are one token, and a look-up is cheaper than the merges; it is trusted only where the merges give the same.</summary>
    private void EncodePiece(ReadOnlySpan<byte> piece, List<int> output)
    {
        var id = piece.Length <= vocabulary.LongestIndexed ? vocabulary.Find(piece) : -1;
        var wholeness = id < 0 ? NotWhole : this.wholeness[id];
        if (wholeness == Whole)
        {
            output.Add(id);
            return;
        }

        var before = output.Count;
        encoder.Encode(piece, output);
        if (wholeness == Unknown)
        {
            this.wholeness[id] = output.Count == before + 1 && CollectionsMarshal.AsSpan(output)[before] == id ? Whole : NotWhole;
        }
    }

    [DoesNotReturn]
    private void ThrowUnknownId(int id) =>
        throw new InvalidInputException($"Token id {id} is not in the tokenizer, which has ids from 0 to {VocabularySize - 1}. Were the ids made with another tokenizer?");
}
