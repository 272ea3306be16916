using System.Collections.Frozen;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Who sends a request.</summary>
/// <param name="Name">Name of the key, under which usage is booked.</param>
/// <param name="RequestsPerMinute">Limit; null is none.</param>
/// <param name="TokensPerMinute">Limit; null is none.</param>
internal sealed record Caller(string Name, int? RequestsPerMinute, int? TokensPerMinute);

/// <summary>The valid keys of a running server. Follows changes of the file.</summary>
internal sealed class ApiKeyRing
{
    private static readonly TimeSpan checkEvery = TimeSpan.FromSeconds(1);

    private readonly ServingOptions options;
    private readonly TimeProvider time;
    private readonly Caller anyone;
    private readonly Lock gate = new();
    private FrozenDictionary<string, Caller> callers = FrozenDictionary<string, Caller>.Empty;
    private DateTime loadedVersion;
    private long lastCheck;

    /// <summary>Loads the keys.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or has no valid key.</exception>
    public ApiKeyRing(ServingOptions options, TimeProvider time)
    {
        this.options = options;
        this.time = time;
        anyone = new Caller("anonymous", options.RequestsPerMinute, options.TokensPerMinute);
        if (options.ApiKeyFile is { } path)
        {
            Load(path);
            if (callers.Count == 0)
            {
                throw new InvalidInputException($"{path} has no valid key, so nobody could use the server. Make one with: minimax keys add NAME --file {path}");
            }
        }
    }

    /// <summary>The caller with this key; null when there is none. Without a key file everyone is the same caller.</summary>
    public Caller? Find(string? secret)
    {
        if (options.ApiKeyFile is not { } path)
        {
            return anyone;
        }

        Refresh(path);
        return secret is null ? null : callers.GetValueOrDefault(ApiKey.Hash(secret));
    }

    private void Refresh(string path)
    {
        lock (gate)
        {
            if (time.GetElapsedTime(lastCheck) < checkEvery)
            {
                return;
            }

            lastCheck = time.GetTimestamp();
            try
            {
                if (File.GetLastWriteTimeUtc(path) != loadedVersion)
                {
                    Load(path);
                }
            }
            catch (InvalidInputException)
            {
                // A file that is damaged while the server runs leaves the keys as they were.
            }
        }
    }

    private void Load(string path)
    {
        var version = File.GetLastWriteTimeUtc(path);
        callers = ApiKeyFile.Load(path).Where(key => key.Revoked is null).ToFrozenDictionary(
            key => key.Sha256,
            key => new Caller(key.Name, key.RequestsPerMinute ?? options.RequestsPerMinute, key.TokensPerMinute ?? options.TokensPerMinute));
        loadedVersion = version;
        lastCheck = time.GetTimestamp();
    }
}
