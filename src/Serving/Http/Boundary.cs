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
            CheckOrigin(context.Request, server.Options.CorsOrigins);
            exchange.Caller = server.Keys.Find(Secret(context.Request)) ?? throw Unauthorized();
            await handle(exchange).ConfigureAwait(false);
        }
        catch (Exception) when (exchange.Gone.IsCancellationRequested)
        {
            // Nobody is there to answer.
        }
        catch (Exception failure)
        {
            var error = ApiException.Of(failure, IsField(exchange));
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

            if (error.Status == StatusCodes.Status413PayloadTooLarge && HttpProtocol.IsHttp11(context.Request.Protocol))
            {
                context.Response.Headers.Connection = "close"; // The rest of the body is never read, so the connection cannot be used again.
            }

            await exchange.WriteJson(error.ToJson(protocol, exchange.RequestId), error.Status).ConfigureAwait(false);
        }
    };

    private static Func<string, bool> IsField(Exchange exchange) => name => exchange.Body is { } body && body.Element.TryGetProperty(name, out _);

    /// <summary>A web page of another site may not use the server through its visitor's browser, which needs no permission for simple requests.</summary>
    private static void CheckOrigin(HttpRequest request, IReadOnlyList<string> allowed)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 && origin != $"{request.Scheme}://{request.Host}" && !allowed.Contains("*") && !allowed.Contains(origin.TrimEnd('/')))
        {
            throw new ApiException(StatusCodes.Status403Forbidden, $"Pages of {origin} may not use this server. Start it with --cors-origin {origin}.", code: "origin_not_allowed");
        }
    }

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
}
