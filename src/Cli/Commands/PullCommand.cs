using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax pull</c>: downloads a model from a hub.</summary>
internal static class PullCommand
{
    private const string Help = """
        Downloads a model from a Hugging Face or ModelScope style hub. An interrupted download is resumed by the same command;
        every file is compared with the hash that the hub lists. Without --include it takes the configuration, the tokenizer and
        the *.safetensors of the top folder.

        Environment: HF_ENDPOINT, HF_TOKEN; MODELSCOPE_ENDPOINT, MODELSCOPE_API_TOKEN.

        Examples:
          minimax pull MiniMaxAI/MiniMax-M1-40k --out /data/m1
          minimax pull OWNER/NAME --include "*.gguf" --exclude "*f16*" --revision main --dry-run
          minimax pull MiniMax/MiniMax-M1-40k --hub modelscope
        """;

    private static readonly Argument<string> repo = new("REPO") { Description = "Repository, OWNER/NAME." };

    private static readonly Option<string[]> include = new("--include")
    {
        Description = "Take the files that match; * also stands for slashes. May be repeated.",
        HelpName = "GLOB",
    };

    private static readonly Option<string[]> exclude = new("--exclude") { Description = "Leave out the files that match. May be repeated.", HelpName = "GLOB" };

    private static readonly Option<string?> revision = new("--revision")
    {
        Description = "Branch, tag or commit. Default: main (ModelScope: master).",
        HelpName = "REV",
    };

    private static readonly Option<string?> endpoint = new("--endpoint") { Description = "Address of the hub or mirror.", HelpName = "URL" };

    private static readonly Option<string?> hub = new("--hub") { Description = "What the hub speaks. Guessed from its address." };

    private static readonly Option<string?> token = new("--token")
    {
        Description = "Token for private and gated models; better in the environment, where others do not see it. \"\" sends none.",
        HelpName = "TOKEN",
    };

    private static readonly Option<string?> outFolder = new("--out") { Description = "Folder for the files. Default: models/NAME.", HelpName = "DIR" };

    private static readonly Option<int> parallel = new("--parallel") { Description = "Files at the same time.", HelpName = "N", DefaultValueFactory = _ => 4 };

    private static readonly Option<bool> verify = new("--verify") { Description = "Read and hash the files that are there, even those verified before." };

    private static readonly Option<bool> dryRun = new("--dry-run") { Description = "List the files and their sizes; fetch nothing." };

    private static readonly Option<bool> json = new("--json") { Description = "Print the result as JSON." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        hub.AcceptOnlyFromAmong("huggingface", "modelscope");
        var command = new Command("pull", Help) { repo, include, exclude, revision, endpoint, hub, token, outFolder, parallel, verify, dryRun, json };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, new HubOptions(), cancellationToken));
        return command;
    }

    /// <summary>Runs the parsed command.</summary>
    internal static async Task<int> RunAsync(ParseResult parsed, HubOptions defaults, CancellationToken cancellationToken)
    {
        var name = parsed.GetRequiredValue(repo);
        var files = parsed.GetValue(parallel) is >= 1 and <= 64 and var count
            ? count
            : throw new InvalidInputException($"--parallel is {parsed.GetValue(parallel)}; give a number of files from 1 to 64.");
        var error = parsed.InvocationConfiguration.Error;
        var progress = new PullProgress(error, ByteProgress.IsTerminal(error), defaults.Time);
        using var client = new HubClient(Address(parsed), defaults with { Parallel = files, Note = progress.Note });
        var folder = Path.GetFullPath(parsed.GetValue(outFolder) ?? Path.Combine("models", name.Split('/')[^1]));
        try
        {
            var listing = await client.ListAsync(name, parsed.GetValue(revision), cancellationToken).ConfigureAwait(false);
            listing = listing.Select(parsed.GetValue(include) ?? [], parsed.GetValue(exclude) ?? []);
            var download = new HubDownload(client, listing, folder);
            var clock = Stopwatch.StartNew();
            var isDry = parsed.GetValue(dryRun);
            var plan = await download.PlanAsync(readFiles: !isDry, parsed.GetValue(verify), cancellationToken).ConfigureAwait(false);
            var received = 0L;
            if (!isDry)
            {
                progress.Note(Invariant($"{name} at {listing.Commit ?? listing.Revision}: {plan.Count} files, {ByteSize.Format(listing.TotalBytes)}, ")
                    + Invariant($"{ByteSize.Format(plan.Sum(file => file.RemainingBytes))} to come, into {folder}"));
                received = await download.RunAsync(plan, progress, cancellationToken).ConfigureAwait(false);
            }

            progress.Finish();
            var result = new PullResult(client.Address, listing, folder, plan, received, clock.Elapsed, isDry);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(parsed.GetValue(json) ? ToJson(result) : ToText(result)).ConfigureAwait(false);
            return 0;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("Stopped. What was received is kept; run the same command again to resume.", cancellationToken);
        }
        finally
        {
            progress.Finish();
        }
    }

    private sealed record PullResult(
        HubAddress Address, HubListing Listing, string Folder, IReadOnlyList<PlannedFile> Plan, long ReceivedBytes, TimeSpan Elapsed, bool IsDry);

    private static HubAddress Address(ParseResult parsed)
    {
        HubKind? kind = parsed.GetValue(hub) switch
        {
            "huggingface" => HubKind.HuggingFace,
            "modelscope" => HubKind.ModelScope,
            _ => null,
        };
        return HubAddress.Create(kind, parsed.GetValue(endpoint), parsed.GetValue(token), Environment.GetEnvironmentVariable);
    }

    private static string Status(PlannedFile file, bool isDry) => file.State switch
    {
        FileState.Complete => "complete",
        FileState.Unchecked => "same size, not checked",
        _ when !isDry => "downloaded",
        _ when file.PartBytes > 0 => Invariant($"{ByteSize.Format(file.PartBytes)} there"),
        _ => "missing",
    };

    private static string ToText(PullResult result)
    {
        var lines = new List<string>();
        if (result.IsDry)
        {
            var width = result.Plan.Max(file => file.File.Path.Length);
            lines.AddRange(result.Plan.Select(file => $"{file.File.Path.PadRight(width)}  {ByteSize.Format(file.File.Size),10}  {Status(file, isDry: true)}"));
        }

        var commit = result.Listing.Commit ?? result.Listing.Revision;
        lines.Add(result.IsDry
            ? Invariant($"{result.Plan.Count} files, {ByteSize.Format(result.Listing.TotalBytes)}, commit {commit}; ")
                + Invariant($"{ByteSize.Format(result.Plan.Sum(file => file.RemainingBytes))} to come, into {result.Folder}")
            : Invariant($"{result.Folder}: {result.Plan.Count} files, {ByteSize.Format(result.Listing.TotalBytes)}, commit {commit}; ")
                + Invariant($"{ByteSize.Format(result.ReceivedBytes)} received in {result.Elapsed.TotalSeconds:0.0} s"));
        return string.Join(Environment.NewLine, lines);
    }

    private static string ToJson(PullResult result)
    {
        var files = result.Plan.Select(file => (JsonNode)new JsonObject
        {
            ["path"] = file.File.Path,
            ["bytes"] = file.File.Size,
            ["hash"] = file.File.Hash?.ToString(),
            ["status"] = Status(file, result.IsDry),
        });
        return new JsonObject
        {
            ["repo"] = result.Listing.Repo,
            ["endpoint"] = result.Address.Endpoint.ToString(),
            ["revision"] = result.Listing.Revision,
            ["commit"] = result.Listing.Commit,
            ["folder"] = result.Folder,
            ["bytes"] = result.Listing.TotalBytes,
            ["received_bytes"] = result.ReceivedBytes,
            ["remaining_bytes"] = result.IsDry ? result.Plan.Sum(file => file.RemainingBytes) : 0,
            ["seconds"] = Math.Round(result.Elapsed.TotalSeconds, 3),
            ["files"] = new JsonArray([.. files]),
        }.ToJsonString();
    }
}
