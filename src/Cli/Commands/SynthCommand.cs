using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax synth</c>: a random checkpoint of a given shape.</summary>
internal static class SynthCommand
{
    private const string Help = """
        Writes a random checkpoint (config.json, shards, index) in the layout of MiniMax-M1, for tests and benchmarks.
        The same seed gives the same bytes on every machine.

        Presets:
          tiny      815,000 weights, for tests
          bench-2b  2.03 billion weights, 8 layers of which the last is softmax, for benchmarks
          m1-pair   two layers as wide as those of MiniMax-M1, lightning then softmax, 8 experts

        Example:
          minimax synth /data/bench --preset bench-2b --dtype bf16 --seed 1
        """;

    private static readonly Argument<string> folder = new("OUT") { Description = "Folder for the checkpoint; made if needed." };

    private static readonly Option<string?> preset = new("--preset") { Description = $"Shape: {string.Join(", ", SyntheticPresets.All.Keys)}." };

    private static readonly Option<FileInfo?> configFile = new("--config") { Description = "Shape from a config.json." };

    private static readonly Option<ulong> seed = new("--seed") { Description = "Seed of all weights." };

    private static readonly Option<string> type = new("--dtype")
    {
        Description = "Type of the weights; routers are always f32.",
        DefaultValueFactory = _ => "bf16",
    };

    private static readonly Option<string> shardSize = new("--shard-size")
    {
        Description = "Largest shard: bytes, or 500MB, 5GB, 2GiB.",
        DefaultValueFactory = _ => "5GB",
    };

    private static readonly Option<int?> experts = new("--experts") { Description = "Experts of a layer, instead of those of the shape." };

    private static readonly Option<bool> force = new("--force") { Description = "Replace the checkpoint that OUT holds." };

    private static readonly Option<bool> json = new("--json") { Description = "Print the result as JSON." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        type.AcceptOnlyFromAmong("bf16", "f32", "f16");
        var command = new Command("synth", Help) { folder, preset, configFile, seed, type, shardSize, experts, force, json };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var path = Path.GetFullPath(parsed.GetRequiredValue(folder));
        var dtype = Enum.Parse<DType>(parsed.GetRequiredValue(type), ignoreCase: true);
        var checkpoint = new SyntheticCheckpoint(Config(parsed), parsed.GetValue(seed), dtype);
        var shardText = parsed.GetRequiredValue(shardSize);
        var shardBytes = ByteSize.TryParse(shardText, out var size)
            ? size
            : throw new InvalidInputException($"--shard-size {shardText} is no size. Give bytes or a number with a unit, for example 5GB.");
        CheckFolder(path, parsed.GetValue(force));
        OutputFile.CheckSpace(path, checkpoint.TotalBytes, "lower --experts");

        var error = parsed.InvocationConfiguration.Error;
        var progress = new ByteProgress(error, checkpoint.TotalBytes, ByteProgress.IsTerminal(error), TimeProvider.System);
        var clock = Stopwatch.StartNew();
        try
        {
            // Off this thread, so that Ctrl-C is answered while the first weights are made.
            await Task.Run(() => checkpoint.WriteAsync(path, shardBytes, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new InvalidInputException(
                $"{path} cannot be written: {exception.Message} Choose another folder, or mend its permissions.", exception);
        }
        finally
        {
            progress.Finish();
        }

        await PrintAsync(parsed, path, checkpoint, clock.Elapsed).ConfigureAwait(false);
        return 0;
    }

    private static MiniMaxM1Config Config(ParseResult parsed)
    {
        var (name, file) = (parsed.GetValue(preset), parsed.GetValue(configFile));
        if (name is null == file is null)
        {
            throw new InvalidInputException($"Give either --preset ({string.Join(", ", SyntheticPresets.All.Keys)}) or --config FILE.");
        }

        var config = file is not null ? MiniMaxM1Config.Load(file.FullName)
            : SyntheticPresets.All.TryGetValue(name!, out var found) ? found
            : throw new InvalidInputException($"--preset {name} is unknown. Known: {string.Join(", ", SyntheticPresets.All.Keys)}.");
        if (parsed.GetValue(experts) is { } count)
        {
            config = config with { NumLocalExperts = count };
            config.Validate($"--experts {count}");
        }

        return config;
    }

    private static void CheckFolder(string path, bool force)
    {
        if (File.Exists(path))
        {
            throw new InvalidInputException($"{path} is a file. Name a folder.");
        }

        if (!force && Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new InvalidInputException($"{path} is not empty. Name another folder, or replace the checkpoint in it with --force.");
        }
    }

    private static async Task PrintAsync(ParseResult parsed, string path, SyntheticCheckpoint checkpoint, TimeSpan elapsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(json))
        {
            var result = new JsonObject
            {
                ["folder"] = path,
                ["parameters"] = checkpoint.ParameterCount,
                ["tensors"] = checkpoint.TensorCount,
                ["bytes"] = checkpoint.TotalBytes,
                ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            };
            await output.WriteLineAsync(result.ToJsonString()).ConfigureAwait(false);
            return;
        }

        var line = FormattableString.Invariant($"{path}: {checkpoint.ParameterCount:N0} weights in {checkpoint.TensorCount:N0} tensors, ")
            + FormattableString.Invariant($"{ByteSize.Format(checkpoint.TotalBytes)}, {elapsed.TotalSeconds:0.0} s");
        await output.WriteLineAsync(line).ConfigureAwait(false);
    }
}
