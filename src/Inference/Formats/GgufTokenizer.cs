using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The tokenizer of a model folder ⇄ the <c>tokenizer.ggml.*</c> metadata, in the form of llama.cpp's converter: model <c>gpt2</c>, pre-tokenizer
/// <c>minimax-m2</c>. The format has no place for the normaliser; files of this family stand for NFC.
/// </summary>
internal static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const int Normal = 1, Control = 3, UserDefined = 4, Unused = 5;

    // Both names stand for the pattern of this family.
    private static readonly string[] preTokenizers = ["minimax-m2", "gpt-4o"];

    private static readonly (string Role, string Key)[] roles =
    [
        ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("unk", "unknown_token_id"), ("sep", "seperator_token_id"),
        ("pad", "padding_token_id"), ("mask", "mask_token_id"),
    ];

    /// <summary>Reads the tokenizer of a file.</summary>
    /// <exception cref="InvalidInputException">There is none, it is of another kind, or it is broken.</exception>
    public static TokenizerParts Read(GgufMetadata metadata)
    {
        var model = metadata.OptionalText(Prefix + "model");
        var pre = metadata.OptionalText(Prefix + "pre");
        if (model is null or "none" or "no_vocab")
        {
            throw new InvalidInputException(
                $"{metadata.Source} holds no tokenizer. Use token ids, or convert the model again with minimax convert … --tokenizer FOLDER.");
        }

        if (model != "gpt2" || pre is null || !preTokenizers.Contains(pre))
        {
            throw new InvalidInputException(
                $"{metadata.Source}: the tokenizer is {model} with the pre-tokenizer {pre ?? "(none)"}; supported: gpt2 with {string.Join(" or ", preTokenizers)}.");
        }

        string[] Texts(string key) => metadata.OptionalTexts(Prefix + key)
            ?? throw new InvalidInputException($"{metadata.Source}: the metadata has no {Prefix}{key}. Convert the model again.");

        var (tokens, merges) = (Texts("tokens"), Texts("merges"));
        var types = metadata.OptionalIntegers(Prefix + "token_type") ?? [.. Enumerable.Repeat((long)Normal, tokens.Length)];
        if (types.Length != tokens.Length)
        {
            throw new InvalidInputException(
                $"{metadata.Source}: there are {tokens.Length} tokens but {types.Length} token types. The file is damaged; download or convert it again.");
        }

        return Build(metadata.Source, tokens, types, merges);
    }

    /// <summary>The metadata of a tokenizer.</summary>
    /// <param name="parts">The tokenizer.</param>
    /// <param name="folder">Folder of its files, for the roles of tokens and the chat template.</param>
    /// <param name="config">The model.</param>
    /// <exception cref="InvalidInputException">The format cannot express the tokenizer, or it does not fit the model.</exception>
    public static List<KeyValuePair<string, GgufValue>> Write(TokenizerParts parts, string folder, MiniMaxM1Config config)
    {
        CheckExpressible(parts, folder, config);
        var (tokens, types) = Tokens(parts, config.VocabSize);
        var merges = parts.Merges.InOrder().Select(pair => $"{Letters(parts, pair.Left)} {Letters(parts, pair.Right)}").ToArray();
        var values = new List<KeyValuePair<string, GgufValue>>
        {
            new(Prefix + "model", GgufValue.Of("gpt2")),
            new(Prefix + "pre", GgufValue.Of(preTokenizers[0])),
            new(Prefix + "tokens", GgufValue.Of(tokens)),
            new(Prefix + "token_type", GgufValue.Of(types)),
            new(Prefix + "merges", GgufValue.Of(merges)),
        };
        AddRoles(values, parts, folder, config);
        return values;
    }

    /// <summary>First id after the ordinary tokens: from there on, rows of the embedding may stand for nothing.</summary>
    public static int EndOfOrdinaryTokens(TokenizerParts parts)
    {
        var added = parts.AddedTokens.Select(static token => token.Id).ToHashSet();
        var end = parts.Vocabulary.Size;
        while (end > 0 && (added.Contains(end - 1) || !parts.Vocabulary.Contains(end - 1)))
        {
            end--;
        }

        return end;
    }

    /// <summary>Tokens with a role (bos, eos, …) by their text, as <c>tokenizer_config.json</c> names them.</summary>
    public static IEnumerable<(string Role, string Content)> RolesOf(GgufMetadata metadata, TokenizerParts parts)
    {
        foreach (var (role, key) in roles)
        {
            var id = metadata.OptionalInt(Prefix + key);
            if (parts.AddedTokens.FirstOrDefault(token => token.Id == id) is { } token)
            {
                yield return (role, token.Content);
            }
        }
    }

    private static TokenizerParts Build(string source, string[] tokens, long[] types, string[] merges)
    {
        var builder = new TokenizerBuilder(source, merges.Length);
        for (var id = 0; id < tokens.Length; id++)
        {
            if (types[id] is Control or UserDefined)
            {
                builder.AddAddedToken(new AddedToken(id, tokens[id], Special: types[id] == Control));
            }
        }

        for (var id = 0; id < tokens.Length; id++)
        {
            switch (types[id])
            {
                case Normal:
                    builder.AddToken(id, Encoding.UTF8.GetBytes(tokens[id]));
                    break;
                case Control or UserDefined or Unused:
                    break;
                default:
                    throw new InvalidInputException($"{source}: token {id} has the type {types[id]}, which a byte-level tokenizer does not have.");
            }
        }

        for (var i = 0; i < merges.Length; i++)
        {
            var space = merges[i].IndexOf(' ', StringComparison.Ordinal);
            if (space <= 0 || space == merges[i].Length - 1)
            {
                throw new InvalidInputException($"{source}: merge {i + 1} is \"{merges[i]}\"; two tokens with a space between them are expected.");
            }

            builder.AddMerge(Encoding.UTF8.GetBytes(merges[i][..space]), Encoding.UTF8.GetBytes(merges[i][(space + 1)..]));
        }

        return builder.Build(normalizesToNfc: true, ignoresMerges: false);
    }

    private static void CheckExpressible(TokenizerParts parts, string folder, MiniMaxM1Config config)
    {
        var reason = parts.Vocabulary.Size > config.VocabSize
            ? $"it has ids up to {parts.Vocabulary.Size - 1}, but the model has {config.VocabSize} rows; it belongs to another model"
            : parts.IgnoresMerges ? "it ignores its merges for whole tokens (ignore_merges), which GGUF cannot express"
            : !parts.NormalizesToNfc ? "it does not bring text into NFC, which GGUF cannot express"
            : null;
        if (reason is not null)
        {
            throw new InvalidInputException($"The tokenizer in {folder} cannot be written: {reason}. Name another with --tokenizer, or none with --tokenizer none.");
        }
    }

    private static (string[] Tokens, int[] Types) Tokens(TokenizerParts parts, int count)
    {
        var tokens = new string[count];
        var types = new int[count];
        for (var id = 0; id < count; id++)
        {
            var known = parts.Vocabulary.Contains(id);
            tokens[id] = known ? Letters(parts, id) : FormattableString.Invariant($"[PAD{id}]");
            types[id] = known ? Normal : Unused;
        }

        foreach (var token in parts.AddedTokens)
        {
            tokens[token.Id] = token.Content;
            types[token.Id] = token.Special ? Control : UserDefined;
        }

        return (tokens, types);
    }

    private static string Letters(TokenizerParts parts, int id) => ByteAlphabet.Encode(parts.Vocabulary.BytesOf(id));

    private static void AddRoles(List<KeyValuePair<string, GgufValue>> values, TokenizerParts parts, string folder, MiniMaxM1Config config)
    {
        var path = Path.Combine(folder, "tokenizer_config.json");
        using var document = File.Exists(path) ? TokenizerFile.ParseObject(TokenizerFile.ReadUtf8(path), path) : null;
        var file = document?.RootElement ?? default;
        foreach (var (role, key) in roles)
        {
            var content = TokenizerFile.Text(file, $"{role}_token")
                ?? (TokenizerFile.TryGet(file, $"{role}_token", out var entry) ? TokenizerFile.Text(entry, "content") : null);
            var id = parts.AddedTokens.FirstOrDefault(token => token.Content == content)?.Id ?? (role == "eos" ? config.EosTokenId : null);
            if (id is { } known)
            {
                values.Add(new(Prefix + key, GgufValue.Of((uint)known)));
            }
        }

        foreach (var role in (ReadOnlySpan<string>)["bos", "eos", "sep"])
        {
            if (TokenizerFile.TryGet(file, $"add_{role}_token", out var flag) && flag.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                values.Add(new(Prefix + $"add_{role}_token", GgufValue.Of(flag.ValueKind == JsonValueKind.True)));
            }
        }

        var templatePath = Path.Combine(folder, "chat_template.jinja");
        var template = File.Exists(templatePath) ? Encoding.UTF8.GetString(TokenizerFile.ReadUtf8(templatePath).Span) : TokenizerFile.Text(file, "chat_template");
        if (template is not null)
        {
            values.Add(new("tokenizer.chat_template", GgufValue.Of(template)));
        }
    }
}
