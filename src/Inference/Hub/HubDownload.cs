using static System.FormattableString;

namespace MiniMaxSharp.Inference;

/// <summary>What is there of a file before a download.</summary>
public enum FileState
{
    /// <summary>Nothing, a part, or another content.</summary>
    Missing,

    /// <summary>A file of the right size whose content was not read.</summary>
    Unchecked,

    /// <summary>Complete and verified.</summary>
    Complete,
}

/// <summary>One file of a download.</summary>
/// <param name="File">The file in the listing.</param>
/// <param name="Target">Where it goes.</param>
/// <param name="State">What is there.</param>
/// <param name="PartBytes">Bytes of it that an interrupted download left.</param>
public sealed record PlannedFile(HubFile File, string Target, FileState State, long PartBytes)
{
    /// <summary>Bytes that have to come.</summary>
    public long RemainingBytes => State == FileState.Missing ? File.Size - PartBytes : 0;
}

/// <summary>Downloads the files of a listing into a folder, several at a time.</summary>
public sealed class HubDownload
{
    private const long SmallFile = 1 << 20;
    private readonly HubClient client;
    private readonly HubListing listing;
    private readonly string folder;
    private readonly PullRecord record;

    /// <summary>Prepares the download of <paramref name="listing"/>; nothing is written yet.</summary>
    /// <exception cref="InvalidInputException">A file name leads out of the folder, or clashes with another.</exception>
    public HubDownload(HubClient client, HubListing listing, string folder)
    {
        this.client = client;
        this.listing = listing;
        this.folder = Path.GetFullPath(folder);
        CheckNames();
        record = PullRecord.Load(this.folder);
    }

    /// <summary>Finds out what is there already.</summary>
    /// <param name="readFiles">True: files of the right size that no record knows are read and hashed. False: they stay unchecked.</param>
    /// <param name="ignoreRecord">True: every file is read, whatever the record says.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<IReadOnlyList<PlannedFile>> PlanAsync(bool readFiles, bool ignoreRecord, CancellationToken cancellationToken)
    {
        var plan = new PlannedFile[listing.Files.Count];
        var readers = Math.Min(client.Options.Parallel, Environment.ProcessorCount);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = readers, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, plan.Length, parallel, async (index, token) =>
        {
            var file = listing.Files[index];
            var target = HubPath.Resolve(folder, file.Path);
            var state = await StateAsync(file, target, readFiles, ignoreRecord, token).ConfigureAwait(false);
            plan[index] = new PlannedFile(file, target, state, state == FileState.Missing ? PartFile.ReusableBytes(target, file) : 0);
        }).ConfigureAwait(false);
        return plan;
    }

    /// <summary>Refuses a plan that does not fit on the disk.</summary>
    /// <exception cref="InvalidInputException">Names the bytes that are missing and those that are free.</exception>
    public void CheckSpace(IReadOnlyList<PlannedFile> plan)
    {
        var existing = folder;
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing) ?? throw new InvalidInputException($"{folder} is on no disk of this system. Name another folder.");
        }

        var needed = plan.Sum(file => file.RemainingBytes);
        var free = client.Options.FreeBytes(existing);
        if (needed > free)
        {
            throw new InvalidInputException(Invariant($"{folder}: {needed:N0} bytes have to come, but only {free:N0} bytes are free there. ")
                + "Free space, name a folder on another disk, or take fewer files with --include.");
        }
    }

    /// <summary>
    /// Brings what is missing and returns the bytes that came over the network. After a cancellation or failure, parts stay and are resumed by the next run.
    /// </summary>
    /// <exception cref="InvalidInputException">The disk is too small or not writable, or the hub refuses.</exception>
    /// <exception cref="HubException">The hub keeps failing, or sends something else than it lists.</exception>
    public async Task<long> RunAsync(IReadOnlyList<PlannedFile> plan, IProgress<HubProgress>? progress, CancellationToken cancellationToken)
    {
        if (plan.Any(file => file.State == FileState.Unchecked))
        {
            throw new ArgumentException("The plan has unchecked files; make it with readFiles.", nameof(plan));
        }

        var complete = plan.Where(file => file.State == FileState.Complete).ToList();
        var start = new HubProgress(complete.Sum(file => file.File.Size), listing.TotalBytes, 0, complete.Count, plan.Count);
        var tally = new DownloadTally(start, progress);
        try
        {
            plan.ToList().ForEach(file => PartFile.DeleteOthers(file.Target, file.File));
            CheckSpace(plan);
            Directory.CreateDirectory(folder);
            complete.ForEach(file => record.Add(file.File, new FileInfo(file.Target)));

            // The small files first: a wrong model shows early.
            var missing = plan.Where(file => file.State == FileState.Missing).OrderBy(file => file.File.Size >= SmallFile);
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = client.Options.Parallel, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(missing, parallel, async (file, token) => await FetchAsync(file, tally, token).ConfigureAwait(false)).ConfigureAwait(false);
            return tally.ReceivedBytes;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(
                $"{folder} cannot be written: {exception.Message} Free space, mend the permissions, or name another folder; then run again to resume.", exception);
        }
    }

    private async Task FetchAsync(PlannedFile file, DownloadTally tally, CancellationToken cancellationToken)
    {
        HubPath.CheckParents(folder, file.Target);
        Directory.CreateDirectory(Path.GetDirectoryName(file.Target)!);
        await new FileDownload(client, listing.Repo, file.File, file.Target, tally).RunAsync(cancellationToken).ConfigureAwait(false);
        record.Add(file.File, new FileInfo(file.Target));
    }

    private async Task<FileState> StateAsync(HubFile file, string target, bool readFiles, bool ignoreRecord, CancellationToken cancellationToken)
    {
        HubPath.CheckParents(folder, target);
        if (Directory.Exists(target))
        {
            throw new InvalidInputException($"{target} is a folder, but the repository has a file of that name. Remove it, or name another folder with --out.");
        }

        var found = new FileInfo(target);
        if (!found.Exists || found.Length != file.Size)
        {
            return FileState.Missing;
        }

        if (!ignoreRecord && record.Knows(file, found))
        {
            return FileState.Complete;
        }

        if (file.Hash is not { } hash)
        {
            return FileState.Missing;
        }

        return !readFiles ? FileState.Unchecked
            : await ContentHash.MatchesAsync(target, hash, file.Size, cancellationToken).ConfigureAwait(false) ? FileState.Complete
            : FileState.Missing;
    }

    private void CheckNames()
    {
        // Two names that differ in case only are one file on some systems.
        var comparer = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        var targets = new HashSet<string>(comparer);
        foreach (var file in listing.Files)
        {
            if (!targets.Add(HubPath.Resolve(folder, file.Path)))
            {
                throw new InvalidInputException($"The hub lists {file.Path} twice, in upper and lower case. Leave one out with --exclude.");
            }
        }
    }
}
