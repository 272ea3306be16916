using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace MiniMaxSharp.Serving;

/// <summary>Where every request comes in: the caller is identified, and whatever fails becomes an error of the endpoint's protocol.</summary>
internal static class Boundary
{
    /// <summary>An endpoint that needs a valid API key where there are keys.</summary>
    public static RequestDelegate Of(ServingState server, Protocol protocol, Func<Exchange, Task> handle) => async context =>
    {
        var exchange = new Exchange(context, server, protocol);
        context.Response.Headers["x-request-id"] = exchange.RequestId;
        context.Response.Headers["request-id"] = exchange.RequestId;
        try
        {
            exchange.Caller = server.Keys.Find(Secret(context.Request)) ?? throw Unauthorized();
            await handle(exchange).ConfigureAwait(false);
        }
        catch (Exception) when (exchange.Gone.IsCancellationRequested)
        {
            // Nobody is there to answer.
        }
        catch (Exception failure)
        {
            var error = ApiException.Of(failure is InvalidOperationException && exchange.Body is not null ? LoneSurrogate(failure) ?? failure : failure, IsField(exchange));
            server.LogFailure(exchange, error);
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            if (error.RetryAfter is { } wait)
            {
                context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            }

            await exchange.WriteJson(error.ToJson(protocol, exchange.RequestId), error.Status).ConfigureAwait(false);
        }
    };

    private static Func<string, bool> IsField(Exchange exchange) => name => exchange.Body is { } body && body.Element.TryGetProperty(name, out _);

    private static string? Secret(HttpRequest request)
    {
        const string bearer = "Bearer ";
        string? authorization = request.Headers.Authorization;
        return authorization?.StartsWith(bearer, StringComparison.OrdinalIgnoreCase) == true ? authorization[bearer.Length..].Trim() : request.Headers["x-api-key"];
    }

    private static ApiException Unauthorized() => new(
        StatusCodes.Status401Unauthorized,
        "The API key is missing or not valid. Send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
        code: "invalid_api_key");

    /// <summary>The JSON reader reports half a character only when a string is asked for, with an exception of no kind of its own.</summary>
    private static ApiException? LoneSurrogate(Exception failure) => failure.Source == "System.Text.Json"
        ? new ApiException(StatusCodes.Status400BadRequest, "A JSON string escapes half a character (a lone surrogate). Escape both halves.", code: "invalid_json", inner: failure)
        : null;
}
