using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MiniMaxSharp.Serving;

/// <summary>
/// The files of <c>wwwroot</c>, which lie inside the assembly. <c>index.html</c> is at <c>/</c>. A browser asks again each time and gets 304 while its copy is current.
/// </summary>
internal static class EmbeddedPages
{
    private const string Prefix = "wwwroot/";

    /// <summary>The chat page loads its own files only, and stands in no other site's frame.</summary>
    private const string PagePolicy =
        "default-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>An answer's page runs its scripts with an origin of its own and reaches nothing: not the chat page, not the server, not the network.</summary>
    private const string PreviewPolicy =
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

    /// <summary>Maps one route for each file.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var assembly = typeof(EmbeddedPages).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            var path = resource[Prefix.Length..].Replace('\\', '/');
            var content = Read(assembly, resource);
            var page = new Page(
                content,
                ContentType(Path.GetExtension(path)),
                $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"",
                path == "preview.html" ? PreviewPolicy : PagePolicy);
            endpoints.MapMethods(path == "index.html" ? "/" : "/" + path, [HttpMethods.Get, HttpMethods.Head], (RequestDelegate)(context => Write(context, page)));
        }
    }

    private static async Task Write(HttpContext context, Page page)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.ETag = page.Tag;
        response.Headers.CacheControl = "no-cache";
        response.Headers.ContentSecurityPolicy = page.Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
        response.Headers["X-DNS-Prefetch-Control"] = "off";
        if (request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Tag == "*" || tag.Tag == page.Tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = page.Type;
        response.ContentLength = page.Content.Length;
        if (HttpMethods.IsGet(request.Method))
        {
            await response.Body.WriteAsync(page.Content, context.RequestAborted).ConfigureAwait(false);
        }
    }

    private static byte[] Read(Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private static string ContentType(string extension) => extension switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".json" => "application/json",
        ".svg" => "image/svg+xml",
        ".png" => "image/png",
        ".ico" => "image/x-icon",
        _ => "text/plain; charset=utf-8",
    };

    private sealed record Page(byte[] Content, string Type, string Tag, string Policy);
}
