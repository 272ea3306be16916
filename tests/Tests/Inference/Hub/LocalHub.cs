using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests;

/// <summary>One misbehaviour of <see cref="LocalHub"/>, for one request of one path.</summary>
internal sealed record Fault
{
    /// <summary>Answer with this status and no content.</summary>
    public int? Status { get; init; }

    /// <summary>More header lines.</summary>
    public string[] Headers { get; init; } = [];

    /// <summary>Close the connection after this many bytes of the body.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Send nothing more after this many bytes of the body, but keep the connection.</summary>
    public int? StallAfter { get; init; }

    /// <summary>Announce this Content-Length.</summary>
    public long? ClaimedLength { get; init; }

    /// <summary>Answer 200 with everything, whatever Range says.</summary>
    public bool IgnoresRange { get; init; }

    /// <summary>Answer 206 from this offset, whatever Range says.</summary>
    public int? WrongOffset { get; init; }

    /// <summary>Send this content instead.</summary>
    public byte[]? Content { get; init; }

    /// <summary>Send the body in one chunk, without Content-Length.</summary>
    public bool Chunked { get; init; }
}

/// <summary>A request as it arrived.</summary>
internal sealed record SeenRequest(string Target, IReadOnlyDictionary<string, string> Headers)
{
    public string? Authorization => Headers.GetValueOrDefault("authorization");

    public string? Range => Headers.GetValueOrDefault("range");
}

/// <summary>A hub on 127.0.0.1 over bare sockets, so that it can break every rule of HTTP.</summary>
internal sealed class LocalHub : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Fault>> faults = new();
    private readonly Task accepting;
    private readonly int port;

    public LocalHub()
    {
        listener.Start();
        port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    public string Endpoint => $"http://127.0.0.1:{port}";

    /// <summary>Content by target of the request, query included.</summary>
    public ConcurrentDictionary<string, byte[]> Contents { get; } = new();

    /// <summary>All requests so far.</summary>
    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    /// <summary>Adds a Hugging Face repository; files of at least 1,000 bytes are in LFS.</summary>
    public void AddRepository(string repo, Dictionary<string, byte[]> files, bool withHashes = true)
    {
        var siblings = new JsonArray();
        foreach (var (path, content) in files)
        {
            var item = new JsonObject { ["rfilename"] = path, ["size"] = content.Length };
            if (withHashes && content.Length >= 1000)
            {
                item["blobId"] = new string('0', 40);
                item["lfs"] = new JsonObject { ["sha256"] = Sha256(content), ["size"] = content.Length, ["pointerSize"] = 134 };
            }
            else if (withHashes)
            {
                item["blobId"] = GitBlob(content);
            }

            siblings.Add(item);
            Contents[FileTarget(repo, path)] = content;
        }

        var info = new JsonObject { ["id"] = repo, ["sha"] = Commit, ["siblings"] = siblings };
        Contents[ListTarget(repo)] = Encoding.UTF8.GetBytes(info.ToJsonString());
    }

    public static string ListTarget(string repo, string revision = "main") => $"/api/models/{repo}/revision/{revision}?blobs=true";

    public static string FileTarget(string repo, string path) => $"/{repo}/resolve/{Commit}/{path}";

    public static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public static string GitBlob(byte[] content) =>
        Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    /// <summary>The next requests of a target meet these faults, one each.</summary>
    public void Fail(string target, params Fault[] next)
    {
        var queue = faults.GetOrAdd(target, _ => new());
        Array.ForEach(next, queue.Enqueue);
    }

    /// <summary>How often a target was asked for.</summary>
    public int Count(string target) => Requests.Count(request => request.Target == target);

    public void Dispose()
    {
        stop.Cancel();
        listener.Stop();
        accepting.Wait(TimeSpan.FromSeconds(5));
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await listener.AcceptTcpClientAsync(stop.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient connection)
    {
        using (connection)
        {
            try
            {
                await using var stream = connection.GetStream();
                while (await ReadRequestAsync(stream) is { } request)
                {
                    Requests.Enqueue(request);
                    if (!await AnswerAsync(stream, request))
                    {
                        return;
                    }
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException)
            {
                // The client went away or the test ended.
            }
        }
    }

    private async Task<SeenRequest?> ReadRequestAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, stop.Token) == 0)
            {
                return null;
            }

            text.Append((char)one[0]);
        }

        var lines = text.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0].ToLowerInvariant(), pair => pair[1]);
        return new SeenRequest(lines[0].Split(' ')[1], headers);
    }

    // False: the connection is at its end.
    private async Task<bool> AnswerAsync(NetworkStream stream, SeenRequest request)
    {
        var fault = faults.TryGetValue(request.Target, out var queue) && queue.TryDequeue(out var next) ? next : new Fault();
        var content = fault.Content ?? (Contents.TryGetValue(request.Target, out var found) ? found : null);
        if (fault.Status is { } status || content is null)
        {
            await WriteHeadAsync(stream, fault.Status ?? 404, [.. fault.Headers, "Content-Length: 0"]);
            return true;
        }

        var offset = fault.WrongOffset ?? (request.Range is { } range && !fault.IgnoresRange ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0);
        if (offset >= content.Length && offset > 0)
        {
            await WriteHeadAsync(stream, 416, [$"Content-Range: bytes */{content.Length}", "Content-Length: 0"]);
            return true;
        }

        var isPartial = request.Range is not null && !fault.IgnoresRange;
        var body = content.AsMemory(offset);
        var headers = new List<string>(fault.Headers);
        headers.Add(fault.Chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {fault.ClaimedLength ?? body.Length}");
        if (!fault.Headers.Any(header => header.StartsWith("ETag", StringComparison.Ordinal)))
        {
            headers.Add($"ETag: \"{Sha256(content)[..8]}\"");
        }

        if (isPartial)
        {
            headers.Add($"Content-Range: bytes {offset}-{content.Length - 1}/{content.Length}");
        }

        await WriteHeadAsync(stream, isPartial ? 206 : 200, headers);
        return await WriteBodyAsync(stream, body, fault);
    }

    private async Task<bool> WriteBodyAsync(NetworkStream stream, ReadOnlyMemory<byte> body, Fault fault)
    {
        if (fault.Chunked)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{body.Length:x}\r\n"), stop.Token);
            await stream.WriteAsync(body, stop.Token);
            await stream.WriteAsync("\r\n0\r\n\r\n"u8.ToArray(), stop.Token);
            return true;
        }

        var end = Math.Min(fault.CutAfter ?? fault.StallAfter ?? body.Length, body.Length);
        await stream.WriteAsync(body[..end], stop.Token);
        if (fault.StallAfter is not null)
        {
            // Until the client hangs up.
            _ = await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, stop.Token);
            return false;
        }

        return fault.CutAfter is null && fault.ClaimedLength is null;
    }

    private async Task WriteHeadAsync(NetworkStream stream, int status, IEnumerable<string> headers) =>
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {status} Status\r\n{string.Join("\r\n", headers)}\r\n\r\n"), stop.Token);
}
