using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MiniMaxSharp.Serving;

/// <summary>The files of <c>wwwroot</c>, which lie inside the assembly. <c>index.html</c> is at <c>/</c>.</summary>
internal static class EmbeddedPages
{
    private const string Prefix = "wwwroot/";

    /// <summary>Maps one route for each file.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var assembly = typeof(EmbeddedPages).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            var path = resource[Prefix.Length..].Replace('\\', '/');
            var content = Read(assembly, resource);
            var type = ContentType(Path.GetExtension(path));
            endpoints.MapGet(path == "index.html" ? "/" : "/" + path, (RequestDelegate)(context => Write(context, content, type)));
        }
    }

    private static async Task Write(HttpContext context, byte[] content, string type)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await context.Response.Body.WriteAsync(content, context.RequestAborted).ConfigureAwait(false);
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
}
