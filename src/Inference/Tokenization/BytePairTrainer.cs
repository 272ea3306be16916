using System.Runtime.InteropServices;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Learns a byte-level BPE from texts: the piece pattern, NFC and special tokens of this model family, ids as in its files (bytes 0–255, then one id for
/// each merge, special tokens last). Of pairs that occur equally often the one with the lower ids merges first, so the same texts give the same file.
/// </summary>
public sealed class BytePairTrainer
{
    /// <summary>The special tokens of MiniMax-M1, in the order of its ids.</summary>
    public static readonly IReadOnlyList<string> SpecialTokens =
    [
        "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<reponame>", "<filename>", "<gh_stars>", "<issue_start>", "<issue_comment>",
        "<issue_closed>", "<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<empty_output>", "<commit_before>", "<commit_msg>",
        "<commit_after>", "<beginning_of_sentence>", "<end_of_sentence>", "<end_of_document>", "<function_call>", "<code_interpreter>", "<image>",
        "<begin_of_document>",
    ];

    /// <summary>The <c>tokenizer_config.json</c> that goes with a trained <c>tokenizer.json</c>.</summary>
    public const string ConfigJson = """
        {
          "add_prefix_space": false,
          "bos_token": "<beginning_of_sentence>",
          "eos_token": "<end_of_sentence>",
          "tokenizer_class": "GPT2Tokenizer",
          "unk_token": "<end_of_document>"
        }

        """;

    private const int ByteValues = 256;
    private readonly TextNormalizer normalizer = new();
    private readonly bool mergeDigits;

    // Pieces as Latin-1 strings, a character for each byte.
    private readonly Dictionary<string, long> pieces = new(StringComparer.Ordinal);

    /// <summary>An empty trainer.</summary>
    /// <param name="mergeDigits">False: no token holds two digits, so that numbers are read digit by digit.</param>
    public BytePairTrainer(bool mergeDigits = true) => this.mergeDigits = mergeDigits;

    /// <summary>Bytes of text so far, after normalisation.</summary>
    public long ByteCount { get; private set; }

    /// <summary>Counts the pieces of a text.</summary>
    public void Add(ReadOnlySpan<char> text)
    {
        var utf8 = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var bytes = utf8.AsSpan(0, Encoding.UTF8.GetBytes(normalizer.Normalize(text), utf8));
        ByteCount += bytes.Length;
        for (int start = 0, end; start < bytes.Length; start = end)
        {
            end = PreTokenizer.EndOfPiece(bytes, start);
            CollectionsMarshal.GetValueRefOrAddDefault(pieces, Encoding.Latin1.GetString(bytes[start..end]), out _)++;
        }
    }

    /// <summary>Learns the merges and returns the content of <c>tokenizer.json</c>.</summary>
    /// <param name="vocabularySize">Number of ids, bytes and special tokens included; fewer when the texts hold no more pairs.</param>
    /// <param name="minCount">A pair that occurs less often does not merge.</param>
    /// <param name="specialTokens">Contents of the special tokens; null stands for <see cref="SpecialTokens"/>.</param>
    /// <exception cref="InvalidInputException">The vocabulary has no room for bytes and special tokens.</exception>
    public byte[] Train(int vocabularySize, int minCount = 2, IReadOnlyList<string>? specialTokens = null)
    {
        var special = specialTokens ?? SpecialTokens;
        var mergeLimit = vocabularySize - ByteValues - special.Count;
        if (mergeLimit < 0)
        {
            throw new InvalidInputException(
                $"A vocabulary of {vocabularySize:N0} ids is too small: 256 bytes and {special.Count} special tokens need {ByteValues + special.Count}.");
        }

        var builder = new TokenizerBuilder("the new tokenizer", mergeLimit);
        var merges = new MergeLearner(pieces, mergeDigits).Learn(mergeLimit, minCount);
        var tokens = Enumerable.Range(0, ByteValues).Select(static value => new[] { (byte)value }).ToList();
        for (var i = 0; i < special.Count; i++)
        {
            builder.AddAddedToken(new AddedToken(ByteValues + merges.Count + i, special[i]));
        }

        for (var id = 0; id < ByteValues; id++)
        {
            builder.AddToken(id, Encoding.UTF8.GetBytes(ByteAlphabet.Encode(tokens[id])));
        }

        foreach (var (left, right) in merges)
        {
            builder.AddMergeWithToken(
                Encoding.UTF8.GetBytes(ByteAlphabet.Encode(tokens[left])), Encoding.UTF8.GetBytes(ByteAlphabet.Encode(tokens[right])), tokens.Count);
            tokens.Add([.. tokens[left], .. tokens[right]]);
        }

        return TokenizerJsonWriter.Write(builder.Build(normalizesToNfc: true, ignoresMerges: false));
    }
}
