using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>The interface of ModelScope: <c>/api/v1/models/REPO/repo/files</c> lists, <c>/api/v1/models/REPO/repo</c> gives content.</summary>
internal static class ModelScopeListing
{
    public static async Task<HubListing> ReadAsync(HubClient client, string repo, string revision, CancellationToken cancellationToken)
    {
        var subject = $"{repo} at {revision}";
        var uri = new Uri(client.Address.Endpoint, $"api/v1/models/{repo}/repo/files?Revision={Uri.EscapeDataString(revision)}&Recursive=true");
        var (document, _) = await client.GetJsonAsync(uri, subject, cancellationToken).ConfigureAwait(false);
        using (document)
        {
            // Failures may come with HTTP 200.
            if (ListingJson.Number(document.RootElement, "Code") is { } code and not 200)
            {
                var said = HubAnswer.Quoted(ListingJson.Text(document.RootElement, "Message"), client.Address.Token);
                throw new InvalidInputException($"{subject}: {client.Address.Endpoint.Host} answers with code {code}{said}. "
                    + $"Check the repository's name, the revision, and {client.Address.TokenVariable} for a private one.");
            }

            var files = ListingJson.Has(document.RootElement, "Data", out var data)
                ? ListingJson.Array(data, "Files").Where(item => ListingJson.Text(item, "Type") != "tree").Select(item => File(item, revision)).ToList()
                : [];

            // A file's own revision is the commit that changed it last: one commit of the whole is known only when all agree.
            var commits = files.Select(file => file?.Revision).Distinct().ToList();
            var commit = commits is [{ } only] && HubListing.IsCommit(only) ? only : HubListing.IsCommit(revision) ? revision : null;
            return ListingJson.Complete(repo, revision, commit, files, subject);
        }
    }

    public static Uri ContentUri(HubClient client, string repo, HubFile file) => new(
        client.Address.Endpoint, $"api/v1/models/{repo}/repo?Revision={Uri.EscapeDataString(file.Revision)}&FilePath={Uri.EscapeDataString(file.Path)}");

    private static HubFile? File(JsonElement item, string revision)
    {
        var (path, size) = (ListingJson.Text(item, "Path"), ListingJson.Number(item, "Size"));
        var own = ListingJson.Text(item, "Revision");
        var pinned = own is not null && HubListing.IsCommit(own) ? own : revision;
        return path is null || size is null ? null : new HubFile(path, size.Value, HubHash.Parse(false, ListingJson.Text(item, "Sha256")), pinned);
    }
}
