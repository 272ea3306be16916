using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace MiniMaxSharp.Inference;

/// <summary>Reading of tokenizer files with errors that name the file and the place.</summary>
internal static class TokenizerFile
{
    /// <summary>The bytes of a file, without byte-order mark.</summary>
    /// <exception cref="InvalidInputException">It cannot be read or is not UTF-8.</exception>
    public static ReadOnlyMemory<byte> ReadUtf8(string path)
    {
        try
        {
            return CheckUtf8(File.ReadAllBytes(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>The bytes without byte-order mark.</summary>
    /// <exception cref="InvalidInputException">They are not UTF-8.</exception>
    public static ReadOnlyMemory<byte> CheckUtf8(byte[] bytes, string source)
    {
        if (!Utf8.IsValid(bytes))
        {
            var at = 0;
            while (Rune.DecodeFromUtf8(bytes.AsSpan(at), out _, out var length) == System.Buffers.OperationStatus.Done)
            {
                at += length;
            }

            throw new InvalidInputException($"{source}: not valid UTF-8 at byte {at} (0x{bytes[at]:X2}). The file is damaged or of another encoding; download it again.");
        }

        return bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
    }

    /// <summary>Parses JSON whose root is an object. Dispose the result.</summary>
    /// <exception cref="InvalidInputException">It is no JSON, or no object.</exception>
    public static JsonDocument ParseObject(ReadOnlyMemory<byte> json, string source)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"{source}: not valid JSON: {exception.Message} The file is damaged or incomplete; download it again.", exception);
        }

        var kind = document.RootElement.ValueKind;
        if (kind != JsonValueKind.Object)
        {
            document.Dispose();
            throw new InvalidInputException($"{source}: a JSON object is expected, not {kind}.");
        }

        return document;
    }

    /// <summary>A member that is there and not null.</summary>
    public static bool TryGet(JsonElement element, string name, out JsonElement value)
    {
        value = default;
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>A string value; null when it is none or holds an escaped lone surrogate.</summary>
    public static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The member as text, or null.</summary>
    public static string? Text(JsonElement element, string name) => TryGet(element, name, out var value) ? TextOf(value) : null;

    /// <summary>Whether the member is there and true.</summary>
    public static bool IsTrue(JsonElement element, string name) => TryGet(element, name, out var value) && value.ValueKind == JsonValueKind.True;
}
