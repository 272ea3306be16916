using System.Globalization;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// File names come from a foreign machine. Only plain relative paths below the folder are let through, on every system by the same rules,
/// so that a folder can be carried to another one.
/// </summary>
internal static class HubPath
{
    private static readonly string[] devices = ["CON", "PRN", "AUX", "NUL"];

    /// <summary>The place of a hub's file below <paramref name="folder"/>.</summary>
    /// <exception cref="InvalidInputException">The name leads elsewhere, or cannot be a file name everywhere.</exception>
    public static string Resolve(string folder, string path)
    {
        var flaw = Flaw(path);
        if (flaw is not null)
        {
            throw new InvalidInputException(
                $"The hub lists a file named \"{Printable(path)}\", which {flaw}. Nothing was written. Leave it out with --exclude, or report the repository.");
        }

        var root = Path.GetFullPath(folder);
        var full = Path.GetFullPath(Path.Combine([root, .. path.Split('/')]));
        if (!full.StartsWith(Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new InvalidInputException($"The hub lists a file named \"{Printable(path)}\", which leads out of {folder}. Nothing was written.");
        }

        return full;
    }

    /// <summary>Refuses a symbolic link between <paramref name="folder"/> and the file: writing through it would leave the folder.</summary>
    /// <exception cref="InvalidInputException">A parent is a link or a file.</exception>
    public static void CheckParents(string folder, string full)
    {
        var root = Path.GetFullPath(folder);
        for (var parent = Path.GetDirectoryName(full)!; parent.Length > root.Length; parent = Path.GetDirectoryName(parent)!)
        {
            var directory = new DirectoryInfo(parent);
            if (directory.LinkTarget is not null)
            {
                throw new InvalidInputException($"{parent} is a symbolic link. Replace it by a folder, or name another folder with --out.");
            }

            if (File.Exists(parent))
            {
                throw new InvalidInputException($"{parent} is a file, but the repository has a folder of that name. Remove it, or name another folder with --out.");
            }
        }
    }

    /// <summary>What is wrong with a path, as the end of a sentence; null when nothing is.</summary>
    public static string? Flaw(string path)
    {
        if (path.Length is 0 or > 1024)
        {
            return "is empty or too long";
        }

        if (path.EnumerateRunes().Any(IsHidden))
        {
            return "has control characters";
        }

        if (path.AsSpan().IndexOfAny("\\:*?\"<>|") >= 0)
        {
            return "has a backslash, colon or another character that is no part of a portable file name";
        }

        foreach (var segment in path.Split('/'))
        {
            if (segment.Length == 0)
            {
                return "is absolute or has an empty folder name";
            }

            if (segment.EndsWith('.') || segment.EndsWith(' ') || segment.StartsWith(' '))
            {
                return segment is "." or ".." ? "leads out of its folder" : "has a name that begins or ends with a space, or ends with a dot";
            }

            if (IsDevice(segment))
            {
                return "has the name of a Windows device";
            }
        }

        return path.Equals(PullRecord.FileName, StringComparison.OrdinalIgnoreCase) || PartFile.IsPartName(path)
            ? "is reserved for the download itself"
            : null;
    }

    /// <summary>Foreign text for a message: one line, no control characters, at most 120 characters.</summary>
    public static string Printable(string text)
    {
        var result = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            result.Append(IsHidden(rune) ? "\uFFFD" : rune.ToString());
            if (result.Length >= 120)
            {
                return result.Append('…').ToString();
            }
        }

        return result.ToString();
    }

    // U+FFFD stands for lone surrogates, which EnumerateRunes replaces.
    private static bool IsHidden(Rune rune) =>
        rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static bool IsDevice(string segment)
    {
        var stem = segment.Split('.')[0].TrimEnd().ToUpperInvariant();
        return devices.Contains(stem)
            || (stem.Length == 4 && (stem.StartsWith("COM", StringComparison.Ordinal) || stem.StartsWith("LPT", StringComparison.Ordinal)) && char.IsDigit(stem[3]));
    }
}
