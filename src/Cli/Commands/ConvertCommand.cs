using System.CommandLine;
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
          minimax convert my-model merged.gguf --adapter my-lora/checkpoints/step-00000200/adapter
        """;

    private static readonly Argument<string> input = new("IN") { Description = "Model folder or .gguf file." };

    private static readonly Argument<string> target = new("OUT") { Description = "The .gguf file or the folder to be made." };

    private static readonly Option<string?> to = new("--to") { Description = "Format; without it, gguf for an OUT that ends in .gguf, else safetensors." };

    private static readonly Option<string> type = new("--dtype")
    {
        Description = "Type of the weights. Routers become f32, in GGUF files norms too.",
        DefaultValueFactory = _ => "keep",
    };

    private static readonly Option<string?> adapter = new("--adapter")
    {
        Description = "Folder with a LoRA adapter in the layout of PEFT, which is merged into the weights.",
        HelpName = "DIR",
    };

    private static readonly Option<string> shardSize = new("--shard-size")
    {
        Description = "Largest safetensors shard: bytes, or 500MB, 5GB, 2GiB.",
        DefaultValueFactory = _ => "5GB",
    };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        to.AcceptOnlyFromAmong("gguf", "safetensors", "hf");
        type.AcceptOnlyFromAmong("keep", "f32", "bf16", "f16");
        var command = new Command("convert", Help) { input, target, to, type, adapter, ExportRun.Tokenizer, shardSize, ExportRun.Force, ExportRun.Json };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var source = Path.GetFullPath(parsed.GetRequiredValue(input));
        var path = Path.GetFullPath(parsed.GetRequiredValue(target));
        var format = parsed.GetValue(to) ?? (GgufFile.IsGgufPath(path) ? "gguf" : "safetensors");
        ExportRun.CheckTarget(source, path, format, parsed.GetValue(ExportRun.Force));
        var config = MiniMaxM1Config.Load(source);
        using var weights = MiniMaxM1Weights.Load(source, config);
        using var lora = parsed.GetValue(adapter) is { } folder ? LoraAdapter.Open(folder) : null;
        var vocabulary = ExportRun.TokenizerOf(parsed, source);
        var plan = MakePlan(parsed, path, format, config, weights, vocabulary, lora);
        return await ExportRun.WriteAsync(parsed, plan, format, vocabulary, cancellationToken).ConfigureAwait(false);
    }

    private static ExportPlan MakePlan(
        ParseResult parsed, string path, string format, MiniMaxM1Config config, MiniMaxM1Weights weights, string? vocabulary, LoraAdapter? lora)
    {
        var name = parsed.GetRequiredValue(type);
        DType? dtype = name == "keep" ? null : Enum.Parse<DType>(name, ignoreCase: true);
        if (format == "gguf")
        {
            var model = Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(parsed.GetRequiredValue(input)));
            var file = new GgufExport(config, weights, dtype, vocabulary, model, lora);
            return new ExportPlan(path, file.TensorCount, file.TotalBytes, (progress, cancel) => file.Write(path, progress, cancel));
        }

        var shardText = parsed.GetRequiredValue(shardSize);
        var shardBytes = ByteSize.TryParse(shardText, out var size)
            ? size
            : throw new InvalidInputException($"--shard-size {shardText} is no size. Give bytes or a number with a unit, for example 5GB.");
        var folder = new FolderExport(config, weights, format == "hf" ? ExpertLayout.Packed : ExpertLayout.Separate, dtype, lora);
        return new ExportPlan(path, folder.TensorCount, folder.TotalBytes, (progress, cancel) => folder.Write(path, vocabulary, shardBytes, progress, cancel));
    }
}
