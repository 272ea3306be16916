using System.Text.Encodings.Web;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>Writes a tokenizer as the <c>tokenizer.json</c> that <see cref="TokenizerJson"/> and Hugging Face tokenizers read.</summary>
internal static class TokenizerJsonWriter
{
    /// <summary>Indented, and letters as themselves.</summary>
    public static readonly JsonWriterOptions Options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The file as UTF-8.</summary>
    public static byte[] Write(TokenizerParts parts)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            WriteAddedTokens(json, parts);
            WritePipeline(json, parts);
            WriteModel(json, parts);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void WriteAddedTokens(Utf8JsonWriter json, TokenizerParts parts)
    {
        json.WriteStartArray("added_tokens");
        foreach (var token in parts.AddedTokens)
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            json.WriteString("content", token.Content);
            json.WriteBoolean("single_word", false);
            json.WriteBoolean("lstrip", false);
            json.WriteBoolean("rstrip", false);
            json.WriteBoolean("normalized", token.Normalized);
            json.WriteBoolean("special", token.Special);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePipeline(Utf8JsonWriter json, TokenizerParts parts)
    {
        if (parts.NormalizesToNfc)
        {
            json.WriteStartObject("normalizer");
            json.WriteString("type", "NFC");
            json.WriteEndObject();
        }

        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", PreTokenizer.Pattern);
        json.WriteEndObject();
        json.WriteString("behavior", "Removed");
        json.WriteBoolean("invert", true);
        json.WriteEndObject();
        json.WriteStartObject();
        WriteByteLevel(json, useRegex: false);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("decoder");
        WriteByteLevel(json, useRegex: true);
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json, bool useRegex)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", useRegex);
    }

    private static void WriteModel(Utf8JsonWriter json, TokenizerParts parts)
    {
        var added = parts.AddedTokens.Select(static token => token.Id).ToHashSet();
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteBoolean("ignore_merges", parts.IgnoresMerges);
        json.WriteStartObject("vocab");
        for (var id = 0; id < parts.Vocabulary.Size; id++)
        {
            if (parts.Vocabulary.Contains(id) && !added.Contains(id))
            {
                json.WriteNumber(ByteAlphabet.Encode(parts.Vocabulary.BytesOf(id)), id);
            }
        }

        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in parts.Merges.InOrder())
        {
            json.WriteStringValue($"{ByteAlphabet.Encode(parts.Vocabulary.BytesOf(left))} {ByteAlphabet.Encode(parts.Vocabulary.BytesOf(right))}");
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
