using System.Runtime.InteropServices;
using System.Text;

namespace MiniMaxSharp.Training;

/// <summary>Folders that appear under their name only when all that they hold is on the disk.</summary>
internal static class DurableFolder
{
    private const string TemporaryEnding = ".tmp";

    /// <summary>Removes what processes that ended while they wrote have left in <paramref name="folder"/>.</summary>
    public static void DeleteUnfinished(string folder)
    {
        foreach (var unfinished in Directory.EnumerateDirectories(folder, "*" + TemporaryEnding).ToList())
        {
            Directory.Delete(unfinished, recursive: true);
        }
    }

    /// <summary>Lets <paramref name="write"/> fill a temporary folder, makes it durable and gives it its name. A failure leaves nothing new.</summary>
    /// <param name="path">The folder to be made; an existing one is replaced.</param>
    /// <param name="write">Gets the temporary folder.</param>
    public static void Create(string path, Action<string> write)
    {
        var temporary = path + TemporaryEnding;
        DeleteIfThere(temporary);
        Directory.CreateDirectory(temporary);
        try
        {
            write(temporary);
            Flush(temporary);
            var replaced = path + ".old" + TemporaryEnding;
            DeleteIfThere(replaced);
            if (Directory.Exists(path))
            {
                Directory.Move(path, replaced);
            }

            Directory.Move(temporary, path);
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
            DeleteIfThere(replaced);
        }
        catch
        {
            DeleteIfThere(temporary);
            throw;
        }
    }

    private static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Flush(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1);
            stream.Flush(flushToDisk: true);
        }

        foreach (var inner in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).Append(folder))
        {
            FlushFolder(inner);
        }
    }

    /// <summary>Without it the names in a folder can be lost with the power, though the files are on the disk.</summary>
    private static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var descriptor = Open(Encoding.UTF8.GetBytes(folder + '\0'), 0);
        if (descriptor < 0)
        {
            throw new IOException($"{folder} cannot be opened to make it durable (errno {Marshal.GetLastPInvokeError()}).");
        }

        // Some file systems refuse this for folders; then their own journal has to do.
        _ = Sync(descriptor);
        _ = Close(descriptor);
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Sync(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
