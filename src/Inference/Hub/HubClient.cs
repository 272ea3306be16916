using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Requests to one hub. The token goes to the hub's own scheme, host and port only: redirects are followed here, not by the HTTP stack,
/// and none that leads elsewhere sees it.
/// </summary>
public sealed class HubClient : IDisposable
{
    private const int MostRedirects = 10;
    private const int LargestListing = 64 << 20;
    private readonly HttpClient http;

    /// <summary>Makes the client; nothing is sent yet.</summary>
    public HubClient(HubAddress address, HubOptions? options = null)
    {
        Address = address;
        Options = options ?? new HubOptions();
        http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = !address.Endpoint.IsLoopback,
            ConnectTimeout = Options.StallTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),

            // An unread rest may be gigabytes: close the connection instead of reading it.
            MaxResponseDrainSize = 0,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>The hub.</summary>
    public HubAddress Address { get; }

    /// <summary>How it is used.</summary>
    public HubOptions Options { get; }

    /// <summary>Lists the files of a repository at a revision, pinned to the commit that it stands for now.</summary>
    /// <param name="repo"><c>OWNER/NAME</c> or <c>NAME</c>.</param>
    /// <param name="revision">Branch, tag or commit; null for the hub's default branch.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InvalidInputException">The repository or revision does not exist or needs a token, or a name is malformed.</exception>
    /// <exception cref="HubException">The hub does not answer, or not with a listing.</exception>
    public Task<HubListing> ListAsync(string repo, string? revision, CancellationToken cancellationToken)
    {
        var asked = revision ?? Address.DefaultRevision;
        CheckName(repo, asked);
        return Address.Kind == HubKind.HuggingFace
            ? HuggingFaceListing.ReadAsync(this, repo, asked, cancellationToken)
            : ModelScopeListing.ReadAsync(this, repo, asked, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    /// <summary>Address of a file's content.</summary>
    internal Uri ContentUri(string repo, HubFile file) => Address.Kind == HubKind.HuggingFace
        ? HuggingFaceListing.ContentUri(this, repo, file)
        : ModelScopeListing.ContentUri(this, repo, file);

    /// <summary>An answer in JSON and the page that follows it, if any.</summary>
    internal async Task<(JsonDocument Document, Uri? Next)> GetJsonAsync(Uri uri, string subject, CancellationToken cancellationToken)
    {
        var retries = new RetrySchedule(Options, subject);
        while (true)
        {
            try
            {
                using var guard = new StallGuard(Options.StallTimeout, cancellationToken);
                using var response = await GetAsync(uri, 0, subject, guard).ConfigureAwait(false);
                var bytes = await ReadAllAsync(response, subject, guard).ConfigureAwait(false);
                return (JsonDocument.Parse(bytes), NextPage(response));
            }
            catch (JsonException exception)
            {
                throw new HubException(
                    $"{subject}: {Address.Endpoint} answers with something that is no JSON. Is this address a model hub? Check --endpoint and --hub.", exception);
            }
            catch (TransientFailure failure)
            {
                await retries.WaitAsync(failure, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Asks for the bytes from <paramref name="offset"/> on and returns with the headers: 200, 206 or 416. The caller reads the body under the same guard.
    /// </summary>
    /// <exception cref="TransientFailure">Another attempt may succeed.</exception>
    /// <exception cref="InvalidInputException">401, 403, 404.</exception>
    /// <exception cref="HubException">Another answer that no attempt mends.</exception>
    internal async Task<HttpResponseMessage> GetAsync(Uri uri, long offset, string subject, StallGuard guard)
    {
        var mayShowToken = true;
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            mayShowToken = mayShowToken && Address.IsOrigin(uri);
            using var request = Request(uri, offset, mayShowToken);
            var response = await ConnectionFailure.TranslateAsync(
                () => http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, guard.Token), uri, guard).ConfigureAwait(false);
            guard.Restart();
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent
                || (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && offset > 0))
            {
                return response;
            }

            using (response)
            {
                uri = RedirectTarget(response, uri) ?? throw HubAnswer.Failure(response, uri, subject, this);
            }
        }

        throw new HubException($"{subject}: {Address.Endpoint} redirects in a circle. Check --endpoint.");
    }

    private static Uri? RedirectTarget(HttpResponseMessage response, Uri uri)
    {
        if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
        {
            return null;
        }

        var target = new Uri(uri, location);
        var isSafe = target.Scheme == Uri.UriSchemeHttps || (target.Scheme == Uri.UriSchemeHttp && uri.Scheme == Uri.UriSchemeHttp);
        return isSafe ? target : throw new HubException($"{uri.Host} redirects to {target.Scheme}://{target.Host}, which is not encrypted. Check --endpoint.");
    }

    private static Uri? NextPage(HttpResponseMessage response)
    {
        // Link: <https://…>; rel="next"
        foreach (var link in response.Headers.TryGetValues("Link", out var values) ? values.SelectMany(value => value.Split(',')) : [])
        {
            var (start, end) = (link.IndexOf('<', StringComparison.Ordinal), link.IndexOf('>', StringComparison.Ordinal));
            if (start >= 0 && end > start && link[end..].Contains("rel=\"next\"", StringComparison.OrdinalIgnoreCase)
                && Uri.TryCreate(response.RequestMessage!.RequestUri, link[(start + 1)..end], out var next))
            {
                return next;
            }
        }

        return null;
    }

    private static void CheckName(string repo, string revision)
    {
        var segments = repo.Split('/');
        if (segments.Length > 2 || !segments.All(IsName))
        {
            throw new InvalidInputException($"\"{HubPath.Printable(repo)}\" is no repository name. Give OWNER/NAME, for example MiniMaxAI/MiniMax-M1-40k.");
        }

        if (revision.Length is 0 or > 256 || revision.Trim('.').Length == 0 || revision.Any(c => c <= ' ' || c == '\x7f'))
        {
            throw new InvalidInputException($"\"{HubPath.Printable(revision)}\" is no revision. Give a branch, a tag or a commit.");
        }
    }

    private static bool IsName(string text) =>
        text.Length is > 0 and <= 128 && text.Trim('.').Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private HttpRequestMessage Request(Uri uri, long offset, bool mayShowToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.UserAgent.ParseAdd("minimax-sharp/0.1");
        request.Headers.AcceptEncoding.ParseAdd("identity");
        if (offset > 0)
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
        }

        if (mayShowToken && Address.Token is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            if (Address.Kind == HubKind.ModelScope)
            {
                request.Headers.Add("Cookie", "m_session_id=" + token);
            }
        }

        return request;
    }

    private async Task<byte[]> ReadAllAsync(HttpResponseMessage response, string subject, StallGuard guard)
    {
        using var result = new MemoryStream();
        var uri = response.RequestMessage!.RequestUri!;
        var stream = await ConnectionFailure.TranslateAsync(() => response.Content.ReadAsStreamAsync(guard.Token), uri, guard).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        var buffer = new byte[1 << 16];
        while (true)
        {
            var read = await ConnectionFailure.TranslateAsync(() => stream.ReadAsync(buffer, guard.Token).AsTask(), uri, guard).ConfigureAwait(false);
            guard.Restart();
            if (read == 0)
            {
                return result.ToArray();
            }

            result.Write(buffer, 0, read);
            if (result.Length > LargestListing)
            {
                throw new HubException($"{subject}: the hub's listing is longer than {LargestListing >> 20} MiB. Is this address a model hub? Check --endpoint.");
            }
        }
    }
}
