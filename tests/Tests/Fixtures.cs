namespace MiniMaxSharp.Tests;

/// <summary>Where test data lies: golden files that are committed, and the larger shared folder beside the repository.</summary>
internal static class Fixtures
{
    /// <summary>A committed golden file, for example <c>chat/golden.json</c>.</summary>
    public static string Golden(string relativePath) => Path.Combine(AppContext.BaseDirectory, "Golden", relativePath);

    /// <summary>
    /// A file or folder of the shared material beside the repository (or in MINIMAX_SHARED).
    /// The calling test is skipped, saying so, where it is absent.
    /// </summary>
    public static string Shared(string relativePath)
    {
        var path = TryShared(relativePath);
        Assert.SkipWhen(path is null, $"shared/{relativePath} is not here; set MINIMAX_SHARED to the folder that holds it.");
        return path!;
    }

    /// <summary>The same, or null where it is absent.</summary>
    public static string? TryShared(string relativePath)
    {
        var roots = new List<string>();
        if (Environment.GetEnvironmentVariable("MINIMAX_SHARED") is { Length: > 0 } configured)
        {
            roots.Add(configured);
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MiniMaxSharp.slnx")))
            {
                roots.Add(Path.Combine(folder.FullName, "..", "shared"));
            }
        }

        return roots.Select(root => Path.GetFullPath(Path.Combine(root, relativePath))).FirstOrDefault(Path.Exists);
    }
}
