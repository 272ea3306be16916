using System.Net;

namespace MiniMaxSharp.Inference;

/// <summary>What an unwelcome HTTP answer means.</summary>
internal static class HubAnswer
{
    /// <summary>The exception for an answer that is neither content nor a redirect.</summary>
    public static Exception Failure(HttpResponseMessage response, Uri uri, string subject, HubClient client)
    {
        var status = (int)response.StatusCode;
        var said = Said(response, client.Address.Token);
        var address = client.Address;
        if (status is 408 or 425 or 429 or >= 500)
        {
            var text = status == 429 ? $"{uri.Host} answers 429, too many requests." : $"{uri.Host} answers {status}.";
            return new TransientFailure(text, RetryAfter(response, client.Options.Time));
        }

        // Storage hosts answer 403 when the signed address has run out; the hub signs a new one.
        if (!address.IsOrigin(uri) && status is (401 or 403 or 404 or 410))
        {
            return new TransientFailure($"The storage host {uri.Host} answers {status}.");
        }

        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new InvalidInputException(
                $"{subject}: {address.Endpoint.Host} answers {status}{said}. "
                + (address.HasToken ? "The token is not valid here or may not read it. " : "It may be private, gated or not exist. ")
                + $"Set {address.TokenVariable} or give --token; for a gated model, first accept its conditions on the hub's page with the same account."),
            HttpStatusCode.NotFound => new InvalidInputException(
                $"{subject}: not found on {address.Endpoint.Host}{said}. Check the repository's name, the revision and --hub ({address.Kind})."),
            _ => new HubException($"{subject}: {uri.Host} answers {status}{said}."),
        };
    }

    /// <summary>What the hub says, for a message. It is foreign text, and must not echo the token.</summary>
    public static string Quoted(string? text, string? token)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var safe = token is null ? text : text.Replace(token, "…", StringComparison.OrdinalIgnoreCase);
        return $" (\"{HubPath.Printable(safe)}\")";
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date - time.GetUtcNow());
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string Said(HttpResponseMessage response, string? token) =>
        Quoted(response.Headers.TryGetValues("X-Error-Message", out var values) ? string.Join(' ', values) : null, token);
}
