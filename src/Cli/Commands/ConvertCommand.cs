using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax convert</c>: a model in another file format, layout or element type.</summary>
internal static class ConvertCommand
{
    private const string Help = """
        Writes a model in another format: a .gguf file for llama.cpp, a safetensors folder with the official names,
        or a safetensors folder in the -hf layout of transformers 5.
        IN is a model folder of either layout, or a .gguf file (of a split model the first). Tokenizer files travel along.
        What a format cannot express is refused with the reason.

        Examples:
          minimax convert models/random-tiny tiny.gguf --dtype bf16
          minimax convert tiny.gguf tiny-folder
          minimax convert models/random-tiny tiny-hf --to hf
        """;

    private static readonly Argument<string> input = new("IN") { Description = "Model folder or .gguf file." };

    private static readonly Argument<string> target = new("OUT") { Description = "The .gguf file or the folder to be made." };

    private static readonly Option<string?> to = new("--to") { Description = "Format; without it, gguf for an OUT that ends in .gguf, else safetensors." };

    private static readonly Option<string> type = new("--dtype")
    {
        Description = "Type of the weights. Routers become f32, in GGUF files norms too.",
        DefaultValueFactory = _ => "keep",
    };

    private static readonly Option<string?> tokenizer = new("--tokenizer")
    {
        Description = "Model folder or .gguf file with the tokenizer, or none; without it, that of IN if there is one.",
        HelpName = "FOLDER|none",
    };

    private static readonly Option<string> shardSize = new("--shard-size")
    {
        Description = "Largest safetensors shard: bytes, or 500MB, 5GB, 2GiB.",
        DefaultValueFactory = _ => "5GB",
    };

    private static readonly Option<bool> force = new("--force") { Description = "Replace what OUT holds." };

    private static readonly Option<bool> json = new("--json") { Description = "Print the result as JSON." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        to.AcceptOnlyFromAmong("gguf", "safetensors", "hf");
        type.AcceptOnlyFromAmong("keep", "f32", "bf16", "f16");
        var command = new Command("convert", Help) { input, target, to, type, tokenizer, shardSize, force, json };
        command.SetAction(RunAsync);
        return command;
    }

    /// <summary>What will be written.</summary>
    private sealed record Plan(string Path, int TensorCount, long TotalBytes, Action<IProgress<long>, CancellationToken> Write);

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var source = Path.GetFullPath(parsed.GetRequiredValue(input));
        var path = Path.GetFullPath(parsed.GetRequiredValue(target));
        var format = parsed.GetValue(to) ?? (GgufFile.IsGgufPath(path) ? "gguf" : "safetensors");
        CheckTarget(source, path, format, parsed.GetValue(force));
        var config = MiniMaxM1Config.Load(source);
        using var weights = MiniMaxM1Weights.Load(source, config);
        var vocabulary = TokenizerOf(parsed, source);
        var plan = MakePlan(parsed, path, format, config, weights, vocabulary);
        CheckSpace(plan);

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
            throw new InvalidInputException($"{path} cannot be written: {exception.Message} Choose another place, or mend its permissions.", exception);
        }
        finally
        {
            progress.Finish();
        }

        await PrintAsync(parsed, plan, format, clock.Elapsed).ConfigureAwait(false);
        return 0;
    }

    private static Plan MakePlan(
        ParseResult parsed, string path, string format, MiniMaxM1Config config, MiniMaxM1Weights weights, string? vocabulary)
    {
        var name = parsed.GetRequiredValue(type);
        DType? dtype = name == "keep" ? null : Enum.Parse<DType>(name, ignoreCase: true);
        if (format == "gguf")
        {
            var model = Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(parsed.GetRequiredValue(input)));
            var file = new GgufExport(config, weights, dtype, vocabulary, model);
            return new Plan(path, file.TensorCount, file.TotalBytes, (progress, cancel) => file.Write(path, progress, cancel));
        }

        var shardText = parsed.GetRequiredValue(shardSize);
        var shardBytes = ByteSize.TryParse(shardText, out var size)
            ? size
            : throw new InvalidInputException($"--shard-size {shardText} is no size. Give bytes or a number with a unit, for example 5GB.");
        var folder = new FolderExport(config, weights, format == "hf" ? ExpertLayout.Packed : ExpertLayout.Separate, dtype);
        return new Plan(path, folder.TensorCount, folder.TotalBytes, (progress, cancel) => folder.Write(path, vocabulary, shardBytes, progress, cancel));
    }

    private static string? TokenizerOf(ParseResult parsed, string source)
    {
        if (parsed.GetValue(tokenizer) is { } named)
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

    private static void CheckTarget(string source, string path, string format, bool force)
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

    private static void CheckSpace(Plan plan)
    {
        var existing = plan.Path;
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        var freeBytes = new DriveInfo(existing).AvailableFreeSpace;
        if (plan.TotalBytes > freeBytes)
        {
            throw new InvalidInputException(
                $"{plan.Path}: {ByteSize.Format(plan.TotalBytes)} are needed, but only {ByteSize.Format(freeBytes)} are free there. "
                + "Free space, name a place on another disk, or take a smaller --dtype.");
        }
    }

    private static async Task PrintAsync(ParseResult parsed, Plan plan, string format, TimeSpan elapsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(json))
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
