using System.Buffers;
using System.Net;
using static System.FormattableString;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Brings one file. The listing says how long it is and what its hash is; what a server announces is only compared with that.
/// </summary>
internal sealed class FileDownload(HubClient client, string repo, HubFile file, string target, DownloadTally tally)
{
    private const int BufferBytes = 1 << 18;
    private const long ProgressBytes = 1 << 20;
    private readonly Uri uri = client.ContentUri(repo, file);
    private string? knownTag;

    /// <summary>Receives, verifies and publishes the file.</summary>
    /// <exception cref="HubException">The hub keeps failing, or sends something else than it lists.</exception>
    /// <exception cref="InvalidInputException">The hub refuses.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var part = await PartFile.OpenAsync(target, file, cancellationToken).ConfigureAwait(false);
        await using var _ = part.ConfigureAwait(false);
        tally.AddKept(part.Length);
        var retries = new RetrySchedule(client.Options, file.Path);
        for (var mismatches = 0; ; mismatches++)
        {
            await CompleteAsync(part, retries, cancellationToken).ConfigureAwait(false);
            var actual = part.CurrentHash();
            if (actual == file.Hash)
            {
                await part.PublishAsync().ConfigureAwait(false);
                tally.AddFile();
                return;
            }

            Restart(part);
            var text = Invariant($"{file.Path}: the content has {actual}, but the hub lists {file.Hash}.");
            if (mismatches > 0)
            {
                await part.DeleteAsync().ConfigureAwait(false);
                throw new HubException(text + " It came wrong twice and was deleted. Use another --endpoint, or report the repository.");
            }

            client.Options.Note?.Invoke(text + " It is fetched once more.");
        }
    }

    /// <summary>Receives until the part is as long as listed.</summary>
    private async Task CompleteAsync(PartFile part, RetrySchedule retries, CancellationToken cancellationToken)
    {
        while (part.Length < file.Size)
        {
            var before = part.Length;
            try
            {
                await ReceiveAsync(part, cancellationToken).ConfigureAwait(false);
            }
            catch (TransientFailure failure) when (part.Length < file.Size)
            {
                if (part.Length - before >= Math.Min(ProgressBytes, Math.Max(1, file.Size / 16)))
                {
                    retries.Reset();
                }

                await retries.WaitAsync(failure, cancellationToken).ConfigureAwait(false);
            }
            catch (TransientFailure)
            {
                // All bytes are here; the hash decides.
            }
        }
    }

    private async Task ReceiveAsync(PartFile part, CancellationToken cancellationToken)
    {
        using var guard = new StallGuard(client.Options.StallTimeout, cancellationToken);
        using var response = await client.GetAsync(uri, part.Length, file.Path, guard).ConfigureAwait(false);
        var source = response.RequestMessage!.RequestUri!;
        CheckStart(response, part);
        var stream = await ConnectionFailure.TranslateAsync(() => response.Content.ReadAsStreamAsync(guard.Token), source, guard).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (true)
            {
                var read = await ConnectionFailure.TranslateAsync(() => stream.ReadAsync(buffer, guard.Token).AsTask(), source, guard).ConfigureAwait(false);
                guard.Restart();
                if (read == 0)
                {
                    CheckEnd(part);
                    return;
                }

                if (read > file.Size - part.Length)
                {
                    Restart(part);
                    throw new TransientFailure(Invariant($"{source.Host} sends more than the {file.Size:N0} bytes that the hub lists."));
                }

                await part.AppendAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                tally.AddReceived(read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Makes sure that the body continues the part; throws the part away where it does not.</summary>
    private void CheckStart(HttpResponseMessage response, PartFile part)
    {
        var headers = response.Content.Headers;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            Restart(part);
            throw new TransientFailure("The server cannot resume there; starting again.");
        }

        if (response.StatusCode == HttpStatusCode.PartialContent && headers.ContentRange?.From != part.Length)
        {
            Restart(part);
            throw new TransientFailure("The server resumes at another place than asked; starting again.");
        }

        if (headers.ContentRange?.Length is { } total && total != file.Size)
        {
            Restart(part);
            throw new TransientFailure(Invariant($"The server's file has {total:N0} bytes, but the hub lists {file.Size:N0}."));
        }

        CheckTag(response, part);
        if (response.StatusCode == HttpStatusCode.OK && part.Length > 0)
        {
            Restart(part);
        }

        // Fewer than expected may be a server that sends in pieces: the rest is asked for afterwards.
        if (headers.ContentLength > file.Size - part.Length)
        {
            throw new TransientFailure(Invariant($"The server announces {headers.ContentLength:N0} bytes where {file.Size - part.Length:N0} are missing."));
        }
    }

    // Only where there is no hash: storage hosts may give the same content different tags, and the hash sees a change anyway.
    private void CheckTag(HttpResponseMessage response, PartFile part)
    {
        var tag = response.Headers.ETag?.Tag;
        var isOther = file.Hash is null && knownTag is not null && tag != knownTag;
        knownTag = tag;
        if (isOther && response.StatusCode == HttpStatusCode.PartialContent)
        {
            Restart(part);
            throw new TransientFailure("The file changed on the server; starting again.");
        }
    }

    private void CheckEnd(PartFile part)
    {
        if (part.Length < file.Size)
        {
            throw new TransientFailure(Invariant($"The connection ended after {part.Length:N0} of {file.Size:N0} bytes."));
        }
    }

    private void Restart(PartFile part)
    {
        tally.AddKept(-part.Length);
        part.Restart();
    }
}
