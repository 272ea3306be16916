using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>What will be written.</summary>
/// <param name="Path">File or folder.</param>
/// <param name="TensorCount">Number of tensors.</param>
/// <param name="TotalBytes">Bytes of all tensors.</param>
/// <param name="Write">Writes it; gets its name at the end.</param>
internal sealed record ExportPlan(string Path, int TensorCount, long TotalBytes, Action<IProgress<long>, CancellationToken> Write);

/// <summary>What the commands that write a model share: options, checks before the work, progress, result.</summary>
internal static class ExportRun
{
    /// <summary>Where the tokenizer comes from.</summary>
    public static readonly Option<string?> Tokenizer = new("--tokenizer")
    {
        Description = "Model folder or .gguf file with the tokenizer, or none; without it, that of IN if there is one.",
        HelpName = "FOLDER|none",
    };

    public static readonly Option<bool> Force = new("--force") { Description = "Replace what OUT holds." };

    public static readonly Option<bool> Json = new("--json") { Description = "Print the result as JSON." };

    /// <summary>Folder or file of the tokenizer that travels along; null for none.</summary>
    public static string? TokenizerOf(ParseResult parsed, string source)
    {
        if (parsed.GetValue(Tokenizer) is { } named)
        {
            return named == "none" ? null : named;
        }

        if (!GgufFile.IsGgufPath(source))
        {
            var folder = Directory.Exists(source) ? source : Path.GetDirectoryName(source)!;
            return File.Exists(Path.Combine(folder, "tokenizer.json")) || File.Exists(Path.Combine(folder, "merges.txt")) ? folder : null;
        }

        using var file = GgufFile.Open(source);
        return file.Metadata.OptionalText("tokenizer.ggml.model") is null or "none" or "no_vocab" ? null : source;
    }

    /// <summary>Checks the space, writes, and prints the result.</summary>
    public static async Task<int> WriteAsync(ParseResult parsed, ExportPlan plan, string format, string? vocabulary, CancellationToken cancellationToken)
    {
        OutputFile.CheckSpace(plan.Path, plan.TotalBytes, "take a smaller type");

        var error = parsed.InvocationConfiguration.Error;
        if (vocabulary is null && format == "gguf")
        {
            await error.WriteLineAsync("note: the file gets no tokenizer, so llama.cpp can run it on token ids only; see --tokenizer.").ConfigureAwait(false);
        }

        var progress = new ByteProgress(error, plan.TotalBytes, ByteProgress.IsTerminal(error), TimeProvider.System);
        var clock = Stopwatch.StartNew();
        try
        {
            // Off this thread, so that Ctrl-C is answered.
            await Task.Run(() => plan.Write(progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new InvalidInputException($"{plan.Path} cannot be written: {exception.Message} Choose another place, or mend its permissions.", exception);
        }
        finally
        {
            progress.Finish();
        }

        await PrintAsync(parsed, plan, format, clock.Elapsed).ConfigureAwait(false);
        return 0;
    }

    /// <summary>Refuses a place that is taken or cannot be written.</summary>
    public static void CheckTarget(string source, string path, string format, bool force)
    {
        if (Path.TrimEndingDirectorySeparator(source) == Path.TrimEndingDirectorySeparator(path))
        {
            throw new InvalidInputException($"IN and OUT are both {path}. The model is read while it is written; name another OUT.");
        }

        var isFile = format == "gguf";
        if (isFile ? Directory.Exists(path) : File.Exists(path))
        {
            throw new InvalidInputException($"{path} is a {(isFile ? "folder; name a .gguf file" : "file; name a folder")}.");
        }

        var isTaken = isFile ? File.Exists(path) : Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any();
        if (isTaken && !force)
        {
            throw new InvalidInputException($"{path} {(isFile ? "exists" : "is not empty")}. Name another OUT, or replace what it holds with --force.");
        }

        if (isFile && !Directory.Exists(Path.GetDirectoryName(path)))
        {
            throw new InvalidInputException($"{Path.GetDirectoryName(path)} is no folder. Make it, or name another OUT.");
        }
    }

    private static async Task PrintAsync(ParseResult parsed, ExportPlan plan, string format, TimeSpan elapsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(Json))
        {
            var result = new JsonObject
            {
                ["path"] = plan.Path,
                ["format"] = format,
                ["tensors"] = plan.TensorCount,
                ["bytes"] = plan.TotalBytes,
                ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            };
            await output.WriteLineAsync(result.ToJsonString()).ConfigureAwait(false);
            return;
        }

        await output.WriteLineAsync(FormattableString.Invariant(
            $"{plan.Path}: {plan.TensorCount:N0} tensors, {ByteSize.Format(plan.TotalBytes)}, {elapsed.TotalSeconds:0.0} s")).ConfigureAwait(false);
    }
}
