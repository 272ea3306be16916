using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>A key as it is stored: never itself, only its SHA-256. A key has 256 random bits, so no slow hash is needed.</summary>
/// <param name="Name">Who it is for; unique in its file, also among revoked keys, because the ledger goes by it.</param>
/// <param name="Sha256">Hash of the key, 64 hexadecimal digits.</param>
/// <param name="Created">When it was made.</param>
public sealed record ApiKey(string Name, string Sha256, DateTimeOffset Created)
{
    /// <summary>When it was revoked; null while it is valid.</summary>
    public DateTimeOffset? Revoked { get; init; }

    /// <summary>Requests a minute; null is the server's limit.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Tokens a minute; null is the server's limit.</summary>
    public int? TokensPerMinute { get; init; }

    /// <summary>The hash under which <paramref name="secret"/> is stored.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}

/// <summary>The file of API keys, JSON, readable by its owner only.</summary>
public static class ApiKeyFile
{
    private const string SecretPrefix = "mm-";
    private static readonly JsonWriterOptions indented = new() { Indented = true };

    /// <summary>The keys in <paramref name="path"/>.</summary>
    /// <exception cref="InvalidInputException">The file is missing or malformed.</exception>
    public static IReadOnlyList<ApiKey> Load(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return [.. document.RootElement.GetProperty("keys").EnumerateArray().Select(Read)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path}: the API keys cannot be read: {exception.Message} Make a key with: minimax keys add NAME --file {path}", exception);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException($"{path}: this is no file of API keys: {exception.Message} Make one with: minimax keys add NAME --file {path}", exception);
        }
    }

    /// <summary>Adds a key and returns its secret, which cannot be read again.</summary>
    /// <exception cref="InvalidInputException">The name is taken or empty, or the file is malformed or cannot be written.</exception>
    public static string Add(string path, string name, int? requestsPerMinute = null, int? tokensPerMinute = null)
    {
        var keys = File.Exists(path) ? Load(path) : [];
        if (string.IsNullOrWhiteSpace(name) || keys.Any(key => key.Name == name))
        {
            throw new InvalidInputException($"{path}: there is a key named '{name}' already, or the name is empty. Choose another name.");
        }

        if (requestsPerMinute <= 0 || tokensPerMinute <= 0)
        {
            throw new InvalidInputException("Limits of a key must be 1 or more.");
        }

        var secret = SecretPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var added = new ApiKey(name, ApiKey.Hash(secret), DateTimeOffset.UtcNow) { RequestsPerMinute = requestsPerMinute, TokensPerMinute = tokensPerMinute };
        Save(path, [.. keys, added]);
        return secret;
    }

    /// <summary>Revokes a key; a running server notices within a second.</summary>
    /// <exception cref="InvalidInputException">There is no valid key of that name.</exception>
    public static void Revoke(string path, string name)
    {
        var keys = Load(path);
        if (!keys.Any(key => key.Name == name && key.Revoked is null))
        {
            throw new InvalidInputException($"{path}: there is no valid key named '{name}'. See: minimax keys list --file {path}");
        }

        Save(path, [.. keys.Select(key => key.Name == name ? key with { Revoked = DateTimeOffset.UtcNow } : key)]);
    }

    private static ApiKey Read(JsonElement item) => new(
        item.GetProperty("name").GetString() ?? throw new FormatException("A key has no name."),
        item.GetProperty("sha256").GetString() is { Length: 64 } hash ? hash : throw new FormatException("sha256 of a key must have 64 digits."),
        item.GetProperty("created").GetDateTimeOffset())
    {
        Revoked = item.TryGetProperty("revoked", out var revoked) ? revoked.GetDateTimeOffset() : null,
        RequestsPerMinute = item.TryGetProperty("requests_per_minute", out var requests) ? requests.GetInt32() : null,
        TokensPerMinute = item.TryGetProperty("tokens_per_minute", out var tokens) ? tokens.GetInt32() : null,
    };

    private static JsonNode ToJson(ApiKey key)
    {
        var json = new JsonObject { ["name"] = key.Name, ["sha256"] = key.Sha256, ["created"] = key.Created };
        Add("revoked", key.Revoked);
        Add("requests_per_minute", key.RequestsPerMinute);
        Add("tokens_per_minute", key.TokensPerMinute);
        return json;

        void Add(string name, JsonNode? value)
        {
            if (value is not null)
            {
                json[name] = value;
            }
        }
    }

    private static void Save(string path, IReadOnlyList<ApiKey> keys)
    {
        var temporary = path + ".tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (var stream = new FileStream(temporary, options))
            using (var writer = new Utf8JsonWriter(stream, indented))
            {
                new JsonObject { ["keys"] = new JsonArray([.. keys.Select(ToJson)]) }.WriteTo(writer);
                writer.Flush();
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path}: the API keys cannot be written: {exception.Message} Name a file in a writable folder.", exception);
        }
    }
}
