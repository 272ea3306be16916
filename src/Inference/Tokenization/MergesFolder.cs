using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Reads a tokenizer from <c>merges.txt</c> and <c>tokenizer_config.json</c>, the form in which MiniMax-M1 was published, with the normaliser and
/// the pattern of the family. Ids: the byte value for a byte, 256 + i for merge i (or those of <c>vocab.json</c> where it exists), then the added tokens.
/// </summary>
internal static class MergesFolder
{
    private const int OfficialMergeCount = 199_744;

    /// <summary>
    /// The added tokens of MiniMax-M1 in the order of their ids, from 200000; null where no published text names the token.
    /// The official <c>tokenizer_config.json</c> names only three of them.
    /// </summary>
    private static readonly string?[] OfficialAddedTokens =
    [
        null, "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<reponame>", "<filename>", "<gh_stars>", "<issue_start>",
        "<issue_comment>", "<issue_closed>", "<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<empty_output>",
        "<commit_before>", "<commit_msg>", "<commit_after>", "<beginning_of_sentence>", "<end_of_sentence>", "<end_of_document>",
        "<function_call>", "<code_interpreter>", null, "<image>", null, null, null, null, null, null, null, null, "<begin_of_document>",
    ];

    /// <summary>Reads the folder.</summary>
    /// <exception cref="InvalidInputException">A file is missing or broken.</exception>
    public static TokenizerParts Read(string folder)
    {
        var mergesPath = Path.Combine(folder, "merges.txt");
        var configPath = Path.Combine(folder, "tokenizer_config.json");
        var vocabularyPath = Path.Combine(folder, "vocab.json");
        if (!File.Exists(mergesPath) || !File.Exists(configPath))
        {
            throw new InvalidInputException(
                $"{folder}: it has no tokenizer.json, and {(File.Exists(mergesPath) ? "no tokenizer_config.json" : "no merges.txt")} either. " +
                "Download the model's tokenizer.json, or merges.txt with tokenizer_config.json, into it.");
        }

        var merges = TokenizerFile.ReadUtf8(mergesPath);
        var lines = MergeLines(merges.Span);
        var builder = new TokenizerBuilder(mergesPath, lines.Count);
        using var config = TokenizerFile.ParseObject(TokenizerFile.ReadUtf8(configPath), configPath);
        JsonDocument? vocabulary = File.Exists(vocabularyPath) ? TokenizerFile.ParseObject(TokenizerFile.ReadUtf8(vocabularyPath), vocabularyPath) : null;
        using (vocabulary)
        {
            foreach (var token in AddedTokens(config.RootElement, configPath, lines.Count, vocabulary?.RootElement))
            {
                builder.AddAddedToken(token);
            }

            AddTokensAndMerges(merges.Span, lines, vocabulary, builder, mergesPath, vocabularyPath);
        }

        return builder.Build(normalizesToNfc: true, ignoresMerges: false);
    }

    private static void AddTokensAndMerges(
        ReadOnlySpan<byte> text, List<Range> lines, JsonDocument? vocabulary, TokenizerBuilder builder, string mergesPath, string vocabularyPath)
    {
        if (vocabulary is not null)
        {
            TokenizerJson.AddVocabulary(vocabulary.RootElement, builder, vocabularyPath);
        }
        else
        {
            AddBytes(builder);
        }

        for (var i = 0; i < lines.Count; i++)
        {
            var line = text[lines[i]];
            var space = line.IndexOf((byte)' ');
            if (space <= 0 || space == line.Length - 1)
            {
                throw new InvalidInputException($"{mergesPath}: merge {i + 1} is \"{Encoding.UTF8.GetString(line)}\"; two tokens with a space between them are expected.");
            }

            if (vocabulary is not null)
            {
                builder.AddMerge(line[..space], line[(space + 1)..]);
            }
            else
            {
                builder.AddMergeWithToken(line[..space], line[(space + 1)..], 256 + i);
            }
        }
    }

    private static void AddBytes(TokenizerBuilder builder)
    {
        Span<byte> letters = stackalloc byte[2];
        for (var value = 0; value < 256; value++)
        {
            builder.AddToken(value, letters[..ByteAlphabet.Encode((byte)value, letters)]);
        }
    }

    /// <summary>The lines that hold merges: not the version line at the top, not the empty end.</summary>
    private static List<Range> MergeLines(ReadOnlySpan<byte> text)
    {
        var lines = new List<Range>();
        foreach (var range in text.Split((byte)'\n'))
        {
            var (start, length) = range.GetOffsetAndLength(text.Length);
            var line = text.Slice(start, length).TrimEnd((byte)'\r');
            var isVersion = start == 0 && line.StartsWith("#version"u8);
            if (line.Length > 0 && !isVersion)
            {
                lines.Add(start..(start + line.Length));
            }
        }

        return lines;
    }

    /// <summary>Added tokens with ids: those of the configuration, else the known table of MiniMax-M1, else the named ones after the merges.</summary>
    private static List<AddedToken> AddedTokens(JsonElement config, string configPath, int mergeCount, JsonElement? vocabulary)
    {
        if (TokenizerFile.TryGet(config, "added_tokens_decoder", out var decoder) && decoder.ValueKind == JsonValueKind.Object)
        {
            return [.. decoder.EnumerateObject().Select(entry => ReadDecoderEntry(entry, configPath))];
        }

        var named = NamedTokens(config);
        if (mergeCount == OfficialMergeCount && named.All(OfficialAddedTokens.Contains))
        {
            return [.. OfficialAddedTokens.Select((content, i) => (content, 256 + OfficialMergeCount + i))
                .Select(token => new AddedToken(token.Item2, token.content ?? string.Create(CultureInfo.InvariantCulture, $"<unverified_{token.Item2}>")))];
        }

        var next = 256 + mergeCount;
        if (vocabulary is { } known)
        {
            next = known.EnumerateObject().Select(entry => entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out var id) ? id : 0).DefaultIfEmpty().Max() + 1;
        }

        return [.. named.Select(content => new AddedToken(IdInVocabulary(vocabulary, content) ?? next++, content))];
    }

    private static int? IdInVocabulary(JsonElement? vocabulary, string content) =>
        vocabulary is { } known && TokenizerFile.TryGet(known, content, out var id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var value) ? value : null;

    private static AddedToken ReadDecoderEntry(JsonProperty entry, string configPath) =>
        int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? TokenizerJson.ReadAddedToken(id, entry.Value, configPath)
            : throw new InvalidInputException($"{configPath}: added_tokens_decoder has the key \"{entry.Name}\"; a token id is expected.");

    /// <summary>The tokens that a configuration names one by one, as text or as an object with <c>content</c>.</summary>
    private static List<string> NamedTokens(JsonElement config)
    {
        var names = new List<string>();
        foreach (var role in (ReadOnlySpan<string>)["bos_token", "eos_token", "unk_token", "pad_token"])
        {
            var content = TokenizerFile.Text(config, role) ?? (TokenizerFile.TryGet(config, role, out var entry) ? TokenizerFile.Text(entry, "content") : null);
            if (!string.IsNullOrEmpty(content) && !names.Contains(content))
            {
                names.Add(content);
            }
        }

        return names;
    }
}
