using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Reads <c>tokenizer.json</c> of Hugging Face tokenizers, as far as this model family uses it: byte-level BPE, NFC or no normaliser,
/// the pattern <see cref="PreTokenizer.Pattern"/>, added tokens. Anything else that would change ids is refused by name.
/// The post-processor is not read, because it only puts tokens around a whole text.
/// </summary>
internal static class TokenizerJson
{
    /// <summary>Reads valid UTF-8 content; <paramref name="source"/> names it in messages.</summary>
    /// <exception cref="InvalidInputException">The content is broken or of an unsupported kind.</exception>
    public static TokenizerParts Read(ReadOnlyMemory<byte> json, string source)
    {
        using var document = TokenizerFile.ParseObject(json, source);
        var root = document.RootElement;
        var normalizesToNfc = ReadNormalizer(root, source);
        CheckPreTokenizer(root, source);
        CheckDecoder(root, source);
        if (!TokenizerFile.TryGet(root, "model", out var model) || model.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidInputException($"{source}: it has no \"model\" object. Is this the tokenizer.json of a model?");
        }

        CheckModel(model, source);
        var merges = Required(model, "merges", JsonValueKind.Array, source);
        var builder = new TokenizerBuilder(source, merges.GetArrayLength());
        AddAddedTokens(root, builder, source);
        AddVocabulary(Required(model, "vocab", JsonValueKind.Object, source), builder, source);
        AddMerges(merges, builder, source);
        return builder.Build(normalizesToNfc, TokenizerFile.IsTrue(model, "ignore_merges"));
    }

    /// <summary>Adds all tokens of an object token → id, the form of <c>vocab.json</c> too.</summary>
    public static void AddVocabulary(JsonElement vocabulary, TokenizerBuilder builder, string source)
    {
        foreach (var entry in vocabulary.EnumerateObject())
        {
            var letters = JsonMarshal.GetRawUtf8PropertyName(entry);
            if (letters.Contains((byte)'\\'))
            {
                letters = Encoding.UTF8.GetBytes(NameOf(entry, source));
            }

            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out var id))
            {
                throw new InvalidInputException($"{source}: the token \"{NameOf(entry, source)}\" has the id {entry.Value.GetRawText()}; a whole number is expected.");
            }

            builder.AddToken(id, letters);
        }
    }

    private static string NameOf(JsonProperty entry, string source)
    {
        try
        {
            return entry.Name;
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidInputException($"{source}: a token of the vocabulary holds an escaped lone surrogate. The file is damaged; download it again.", exception);
        }
    }

    private static void AddAddedTokens(JsonElement root, TokenizerBuilder builder, string source)
    {
        if (!TokenizerFile.TryGet(root, "added_tokens", out _))
        {
            return;
        }

        foreach (var entry in Required(root, "added_tokens", JsonValueKind.Array, source).EnumerateArray())
        {
            if (!TokenizerFile.TryGet(entry, "id", out var number) || number.ValueKind != JsonValueKind.Number || !number.TryGetInt32(out var id))
            {
                throw new InvalidInputException($"{source}: the added token {entry.GetRawText()} has no id that is a whole number.");
            }

            builder.AddAddedToken(ReadAddedToken(id, entry, source));
        }
    }

    /// <summary>Reads an added token whose id is known, in the form that <c>tokenizer_config.json</c> uses too.</summary>
    public static AddedToken ReadAddedToken(int id, JsonElement entry, string source)
    {
        if (TokenizerFile.Text(entry, "content") is not { } content)
        {
            throw new InvalidInputException($"{source}: the added token with id {id} has no \"content\" that is a string.");
        }

        foreach (var flag in (ReadOnlySpan<string>)["single_word", "lstrip", "rstrip"])
        {
            if (TokenizerFile.IsTrue(entry, flag))
            {
                throw new InvalidInputException($"{source}: the added token \"{content}\" has {flag} = true, which is not supported; only plain added tokens are.");
            }
        }

        return new AddedToken(id, content, TokenizerFile.IsTrue(entry, "special"), TokenizerFile.IsTrue(entry, "normalized"));
    }

    private static void AddMerges(JsonElement merges, TokenizerBuilder builder, string source)
    {
        var index = 0;
        foreach (var merge in merges.EnumerateArray())
        {
            index++;
            if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
            {
                builder.AddMerge(Letters(merge[0], index, source), Letters(merge[1], index, source));
                continue;
            }

            var both = Letters(merge, index, source);
            var space = both.IndexOf((byte)' ');
            if (space <= 0 || space == both.Length - 1)
            {
                throw BadMerge(merge, index, source);
            }

            builder.AddMerge(both[..space], both[(space + 1)..]);
        }
    }

    private static ReadOnlySpan<byte> Letters(JsonElement value, int index, string source)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw BadMerge(value, index, source);
        }

        var raw = JsonMarshal.GetRawUtf8Value(value)[1..^1];
        return raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(TokenizerFile.TextOf(value) ?? throw BadMerge(value, index, source)) : raw;
    }

    private static InvalidInputException BadMerge(JsonElement merge, int index, string source) =>
        new($"{source}: merge {index} is {merge.GetRawText()}; two tokens are expected, as \"a b\" or [\"a\", \"b\"].");

    private static bool ReadNormalizer(JsonElement root, string source)
    {
        if (!TokenizerFile.TryGet(root, "normalizer", out var normalizer))
        {
            return false;
        }

        var members = Members(normalizer, "normalizers");
        foreach (var member in members)
        {
            if (TokenizerFile.Text(member, "type") is var type and not "NFC")
            {
                throw new InvalidInputException($"{source}: the normalizer {type ?? member.GetRawText()} is not supported; only NFC is.");
            }
        }

        return members.Count > 0;
    }

    private static void CheckPreTokenizer(JsonElement root, string source)
    {
        var members = TokenizerFile.TryGet(root, "pre_tokenizer", out var preTokenizer) ? Members(preTokenizer, "pretokenizers") : [];
        var types = string.Join(", ", members.Select(member => TokenizerFile.Text(member, "type") ?? member.GetRawText()));
        if (types != "Split, ByteLevel")
        {
            throw new InvalidInputException($"{source}: the pre_tokenizer [{types}] is not supported; the sequence [Split, ByteLevel] is expected.");
        }

        var pattern = TokenizerFile.TryGet(members[0], "pattern", out var value) ? TokenizerFile.Text(value, "Regex") : null;
        if (pattern != PreTokenizer.Pattern)
        {
            throw new InvalidInputException(
                $"{source}: the pre_tokenizer splits by {pattern ?? "something other than a Regex"}, which is not supported; " +
                $"the pattern of the MiniMax-M1 family is: {PreTokenizer.Pattern}");
        }

        // The pattern covers every character, so removing what it does not match and isolating what it matches are the same.
        var behavior = TokenizerFile.Text(members[0], "behavior");
        var inverted = TokenizerFile.IsTrue(members[0], "invert");
        if ((behavior, inverted) is not (("Removed", true) or ("Isolated", _)))
        {
            throw new InvalidInputException($"{source}: the Split pre_tokenizer has behavior {behavior} with invert {inverted}, which is not supported; Removed with invert true is.");
        }

        // Both flags count as true when they are absent.
        foreach (var flag in (ReadOnlySpan<string>)["add_prefix_space", "use_regex"])
        {
            if (!TokenizerFile.TryGet(members[1], flag, out var set) || set.ValueKind != JsonValueKind.False)
            {
                throw new InvalidInputException($"{source}: the ByteLevel pre_tokenizer has {flag} = true, which is not supported after a Split; false is expected.");
            }
        }
    }

    private static void CheckDecoder(JsonElement root, string source)
    {
        if (TokenizerFile.TryGet(root, "decoder", out var decoder) && TokenizerFile.Text(decoder, "type") is var type and not "ByteLevel")
        {
            throw new InvalidInputException($"{source}: the decoder {type ?? decoder.GetRawText()} is not supported; only ByteLevel is.");
        }
    }

    private static void CheckModel(JsonElement model, string source)
    {
        if (TokenizerFile.Text(model, "type") is not (null or "BPE") || !model.TryGetProperty("merges", out _))
        {
            throw new InvalidInputException($"{source}: the model type {TokenizerFile.Text(model, "type") ?? "(none)"} is not supported; only BPE with merges is.");
        }

        if (TokenizerFile.TryGet(model, "dropout", out var dropout) && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0))
        {
            throw new InvalidInputException($"{source}: the model has dropout {dropout.GetRawText()}, which makes ids random; set it to null.");
        }

        foreach (var name in (ReadOnlySpan<string>)["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (TokenizerFile.TryGet(model, name, out var affix) && TokenizerFile.TextOf(affix) is not "")
            {
                throw new InvalidInputException($"{source}: the model has {name} {affix.GetRawText()}, which is not supported in byte-level BPE.");
            }
        }
    }

    private static JsonElement Required(JsonElement element, string name, JsonValueKind kind, string source) =>
        TokenizerFile.TryGet(element, name, out var value) && value.ValueKind == kind
            ? value
            : throw new InvalidInputException($"{source}: \"{name}\" is missing or not a JSON {kind}. The file is damaged or incomplete; download it again.");

    /// <summary>The members of a Sequence, or the element alone.</summary>
    private static List<JsonElement> Members(JsonElement element, string name) =>
        TokenizerFile.Text(element, "type") == "Sequence" && TokenizerFile.TryGet(element, name, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : [element];
}
