using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>Files that a command writes.</summary>
internal static class OutputFile
{
    /// <summary>Runs <paramref name="write"/> and turns the failures of an unwritable path into bad input.</summary>
    public static void Write(string path, Action<string> write)
    {
        try
        {
            write(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be written: {exception.Message} Choose another file, or mend the folder's permissions.", exception);
        }
    }

    /// <summary>Refuses work whose result the disk of <paramref name="path"/> cannot hold; <paramref name="mend"/> says what else would help.</summary>
    public static void CheckSpace(string path, long neededBytes, string mend)
    {
        var existing = path;
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        var freeBytes = new DriveInfo(existing).AvailableFreeSpace;
        if (neededBytes > freeBytes)
        {
            throw new InvalidInputException(
                $"{path}: the result needs {ByteSize.Format(neededBytes)}, but only {ByteSize.Format(freeBytes)} are free there. "
                + $"Free space, name a place on another disk, or {mend}.");
        }
    }

    /// <summary>Writes a text file under a temporary name and renames it.</summary>
    public static void WriteText(string path, string text) => Write(path, target =>
    {
        var temporary = target + ".tmp";
        File.WriteAllText(temporary, text);
        File.Move(temporary, target, overwrite: true);
    });
}
