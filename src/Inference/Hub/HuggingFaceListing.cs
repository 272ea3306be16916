using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The interface of Hugging Face and its mirrors: <c>/api/models/REPO/revision/REV?blobs=true</c> gives commit, names, sizes and hashes at once;
/// a mirror that leaves sizes out is asked for <c>/api/models/REPO/tree/COMMIT?recursive=true</c>, page by page.
/// </summary>
internal static class HuggingFaceListing
{
    private const int MostPages = 10_000;

    public static async Task<HubListing> ReadAsync(HubClient client, string repo, string revision, CancellationToken cancellationToken)
    {
        var subject = $"{repo} at {revision}";
        var uri = new Uri(client.Address.Endpoint, $"api/models/{repo}/revision/{Uri.EscapeDataString(revision)}?blobs=true");
        var (document, _) = await client.GetJsonAsync(uri, subject, cancellationToken).ConfigureAwait(false);
        using (document)
        {
            var commit = ListingJson.Text(document.RootElement, "sha");
            if (commit is null || !HubListing.IsCommit(commit))
            {
                throw new HubException($"{subject}: {client.Address.Endpoint} names no commit. Is this address a model hub? Check --endpoint and --hub.");
            }

            var files = ListingJson.Array(document.RootElement, "siblings").Select(item => Sibling(item, commit)).ToList();
            if (files.Count == 0 || files.Any(file => file is null))
            {
                files = await TreeAsync(client, repo, commit, subject, cancellationToken).ConfigureAwait(false);
            }

            return ListingJson.Complete(repo, revision, commit, files, subject);
        }
    }

    public static Uri ContentUri(HubClient client, string repo, HubFile file)
    {
        var path = string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString));
        return new Uri(client.Address.Endpoint, $"{repo}/resolve/{Uri.EscapeDataString(file.Revision)}/{path}");
    }

    private static async Task<List<HubFile?>> TreeAsync(HubClient client, string repo, string commit, string subject, CancellationToken cancellationToken)
    {
        var files = new List<HubFile?>();
        Uri? page = new(client.Address.Endpoint, $"api/models/{repo}/tree/{commit}?recursive=true");
        for (var count = 0; page is not null; count++)
        {
            if (count == MostPages)
            {
                throw new HubException($"{subject}: the listing has no end. Is this address a model hub? Check --endpoint.");
            }

            var (document, next) = await client.GetJsonAsync(page, subject, cancellationToken).ConfigureAwait(false);
            using (document)
            {
                var items = ListingJson.Array(document.RootElement, null).Where(item => ListingJson.Text(item, "type") != "directory");
                files.AddRange(items.Select(item => TreeFile(item, commit)));
            }

            page = next;
        }

        return files;
    }

    private static HubFile? Sibling(JsonElement item, string commit) =>
        File(item, ListingJson.Text(item, "rfilename"), "sha256", ListingJson.Text(item, "blobId"), commit);

    private static HubFile? TreeFile(JsonElement item, string commit) =>
        File(item, ListingJson.Text(item, "path"), "oid", ListingJson.Text(item, "oid"), commit);

    // For a file in LFS the git hash is that of its pointer, so only the SHA-256 counts.
    private static HubFile? File(JsonElement item, string? path, string shaName, string? blobId, string commit)
    {
        var isLfs = ListingJson.Has(item, "lfs", out var lfs);
        var size = (isLfs ? ListingJson.Number(lfs, "size") : null) ?? ListingJson.Number(item, "size");
        var hash = isLfs ? HubHash.Parse(false, ListingJson.Text(lfs, shaName)) : HubHash.Parse(true, blobId);
        return path is null || size is null ? null : new HubFile(path, size.Value, hash, commit);
    }
}
