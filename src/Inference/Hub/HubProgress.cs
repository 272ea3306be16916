namespace MiniMaxSharp.Inference;

/// <summary>How far a download is.</summary>
/// <param name="DoneBytes">Bytes that are on the disk, of all files; falls when a part is thrown away.</param>
/// <param name="TotalBytes">Bytes of all files.</param>
/// <param name="ReceivedBytes">Bytes that came over the network in this run.</param>
/// <param name="DoneFiles">Files that are complete and verified.</param>
/// <param name="TotalFiles">All files.</param>
public readonly record struct HubProgress(long DoneBytes, long TotalBytes, long ReceivedBytes, int DoneFiles, int TotalFiles);

/// <summary>Adds up the progress of files that arrive at the same time; reports come one after the other.</summary>
internal sealed class DownloadTally(HubProgress start, IProgress<HubProgress>? progress)
{
    private readonly Lock gate = new();
    private HubProgress now = start;

    public long ReceivedBytes
    {
        get
        {
            lock (gate)
            {
                return now.ReceivedBytes;
            }
        }
    }

    /// <summary>Bytes that came over the network.</summary>
    public void AddReceived(long bytes) => Change(bytes, bytes, 0);

    /// <summary>Bytes that an earlier run left, or, negative, that were thrown away.</summary>
    public void AddKept(long bytes) => Change(bytes, 0, 0);

    /// <summary>A file is complete.</summary>
    public void AddFile() => Change(0, 0, 1);

    private void Change(long done, long received, int files)
    {
        lock (gate)
        {
            now = now with { DoneBytes = now.DoneBytes + done, ReceivedBytes = now.ReceivedBytes + received, DoneFiles = now.DoneFiles + files };
            progress?.Report(now);
        }
    }
}
