using System.Net;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>The chat page's files, as HTTP sees them.</summary>
public sealed class EmbeddedPagesTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/", "text/html", "frame-ancestors 'none'")]
    [InlineData("/app.js", "text/javascript", "script-src 'self'")]
    [InlineData("/style.css", "text/css", "default-src 'self'")]
    [InlineData("/icon.svg", "image/svg+xml", "default-src 'self'")]
    [InlineData("/preview.html", "text/html", "sandbox allow-scripts; default-src 'none'")]
    public async Task Files_have_a_type_and_a_policy(string path, string type, string policy)
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        using var response = await server.Client.GetAsync(path, Cancellation);
        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        Assert.Contains(policy, string.Join(' ', response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
    }

    [Fact]
    public async Task A_current_copy_is_not_sent_again()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        using var first = await server.Client.GetAsync("/app.js", Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/app.js") { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
        using var second = await server.Client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Empty(await second.Content.ReadAsByteArrayAsync(Cancellation));
        using var stale = new HttpRequestMessage(HttpMethod.Get, "/app.js") { Headers = { IfNoneMatch = { new("\"old\"") } } };
        using var third = await server.Client.SendAsync(stale, Cancellation);
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
    }
}
