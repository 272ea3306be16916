namespace MiniMaxSharp.Inference;

/// <summary>The two families of model hubs, by their HTTP interface. Mirrors use that of the first.</summary>
public enum HubKind
{
    /// <summary>Hugging Face: <c>/api/models/…</c> and <c>/REPO/resolve/…</c>.</summary>
    HuggingFace,

    /// <summary>ModelScope: <c>/api/v1/models/…</c>.</summary>
    ModelScope,
}

/// <summary>Where a hub is, what it speaks, and the token to show it. The token is never part of any text.</summary>
public sealed class HubAddress
{
    private const string HuggingFaceEndpoint = "https://huggingface.co";
    private const string ModelScopeEndpoint = "https://www.modelscope.cn";

    private HubAddress(HubKind kind, Uri endpoint, string? token)
    {
        Kind = kind;
        Endpoint = endpoint;
        Token = token;
    }

    /// <summary>The interface that it speaks.</summary>
    public HubKind Kind { get; }

    /// <summary>Root of the hub, with a slash at its end.</summary>
    public Uri Endpoint { get; }

    /// <summary>True when requests carry a token.</summary>
    public bool HasToken => Token is not null;

    /// <summary>Branch that is asked for when none is named.</summary>
    public string DefaultRevision => Kind == HubKind.HuggingFace ? "main" : "master";

    /// <summary>Environment variable of the token.</summary>
    public string TokenVariable => Kind == HubKind.HuggingFace ? "HF_TOKEN" : "MODELSCOPE_API_TOKEN";

    internal string? Token { get; }

    /// <summary>
    /// Completes what the caller gave from the environment (<c>HF_ENDPOINT</c>, <c>HF_TOKEN</c>, <c>MODELSCOPE_ENDPOINT</c>,
    /// <c>MODELSCOPE_API_TOKEN</c>) and the public hubs. Without <paramref name="kind"/>, a host with "modelscope" in its name is ModelScope.
    /// </summary>
    /// <param name="kind">The interface, or null to guess.</param>
    /// <param name="endpoint">Address of the hub, or null.</param>
    /// <param name="token">Token, null for that of the environment, empty for none.</param>
    /// <param name="environment">Value of an environment variable.</param>
    /// <exception cref="InvalidInputException">The endpoint is no http address, or the token has impossible characters or would travel unencrypted.</exception>
    public static HubAddress Create(HubKind? kind, string? endpoint, string? token, Func<string, string?> environment)
    {
        var text = NullIfEmpty(endpoint)
            ?? NullIfEmpty(environment(kind == HubKind.ModelScope ? "MODELSCOPE_ENDPOINT" : "HF_ENDPOINT"))
            ?? (kind == HubKind.ModelScope ? ModelScopeEndpoint : HuggingFaceEndpoint);
        var uri = ParseEndpoint(text);
        var resolved = kind ?? (uri.Host.Contains("modelscope", StringComparison.OrdinalIgnoreCase) ? HubKind.ModelScope : HubKind.HuggingFace);
        var address = new HubAddress(resolved, uri, null);
        var secret = NullIfEmpty((token ?? environment(address.TokenVariable))?.Trim());
        if (secret is null)
        {
            return address;
        }

        // Nothing of a bad token may reach a message, not even through the exception of a header parser.
        if (secret.Any(c => c is <= ' ' or > '~' or ';' or ',' or '"' or '\\'))
        {
            throw new InvalidInputException(
                $"The token has characters that no hub token has (spaces, quotes, line breaks). Copy it again into {address.TokenVariable} or --token.");
        }

        if (uri.Scheme == Uri.UriSchemeHttp && !uri.IsLoopback)
        {
            throw new InvalidInputException(
                $"{uri} is not encrypted, and a token would be readable on the way. Use https, or send no token: --token \"\".");
        }

        return new HubAddress(resolved, uri, secret);
    }

    /// <summary>True when <paramref name="uri"/> has the scheme, host and port of this hub, so that it may see the token.</summary>
    internal bool IsOrigin(Uri uri) =>
        uri.Scheme == Endpoint.Scheme && uri.Port == Endpoint.Port && string.Equals(uri.IdnHost, Endpoint.IdnHost, StringComparison.OrdinalIgnoreCase);

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static Uri ParseEndpoint(string text)
    {
        var withScheme = text.Contains("://", StringComparison.Ordinal) ? text : "https://" + text;
        if (!Uri.TryCreate(withScheme.TrimEnd('/') + "/", UriKind.Absolute, out var uri)
            || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp) || uri.Host.Length == 0)
        {
            throw new InvalidInputException($"The endpoint {text} is no http or https address. Give one such as {HuggingFaceEndpoint}.");
        }

        if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            throw new InvalidInputException($"The endpoint {uri.Host} must be scheme, host, port and path only. Give a secret as token.");
        }

        return uri;
    }
}
