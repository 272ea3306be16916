using System.CommandLine;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax quantize</c>: a model as a GGUF file with quantised matrices.</summary>
internal static class QuantizeCommand
{
    private const string Help = """
        Writes a model as a .gguf file whose matrices are quantised in llama.cpp's block formats. Norms and routers stay F32.
        Rules say what else stays in the type that it has:
          default  embedding, head and the output projections of attention
          experts  all but the experts, like experts_int8 of vLLM
          all      nothing, like llama-quantize --pure
        A matrix whose rows are no multiple of the block (32; 256 for q4_k and q6_k) stays too.
        --imatrix runs a calibration text through IN and weighs each column by the mean square of what reaches it, for each expert too; this helps
        q4_0, q4_k and q6_k. It also takes a .gguf file of such sums: one that --imatrix-out kept, or one of llama-imatrix.

        Examples:
          minimax quantize /models/m1 m1-q8.gguf --type q8_0
          minimax quantize /models/m1 m1-q4.gguf --type q4_k --imatrix calibration.txt --imatrix-out m1-imatrix.gguf
        """;

    private const int CalibrationWindow = 512;

    private static readonly Argument<string> input = new("IN") { Description = "Model folder or .gguf file, best with unquantised weights." };

    private static readonly Argument<string> target = new("OUT") { Description = "The .gguf file to be made." };

    private static readonly Option<string> type = new("--type") { Description = "q8_0, q4_0, q4_k or q6_k.", Required = true };

    private static readonly Option<string> rule = new("--rule") { Description = "What is quantised: default, experts or all.", DefaultValueFactory = _ => "default" };

    private static readonly Option<string?> imatrix = new("--imatrix") { Description = "Calibration text (UTF-8), or a .gguf file of sums.", HelpName = "FILE" };

    private static readonly Option<string?> imatrixTarget = new("--imatrix-out") { Description = "Keep the sums as this .gguf file.", HelpName = "FILE" };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        type.AcceptOnlyFromAmong("q8_0", "q4_0", "q4_k", "q6_k");
        rule.AcceptOnlyFromAmong("default", "experts", "all");
        var command = new Command("quantize", Help) { input, target, type, rule, imatrix, imatrixTarget, ExportRun.Tokenizer, ExportRun.Force, ExportRun.Json };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (source, path) = (Path.GetFullPath(parsed.GetRequiredValue(input)), Path.GetFullPath(parsed.GetRequiredValue(target)));
        if (!GgufFile.IsGgufPath(path))
        {
            throw new InvalidInputException($"{path} does not end in .gguf. Quantised models are written as GGUF files; name one.");
        }

        ExportRun.CheckTarget(source, path, "gguf", parsed.GetValue(ExportRun.Force));
        var importance = await Task.Run(() => Importance(parsed, source, cancellationToken), CancellationToken.None).ConfigureAwait(false);
        var config = MiniMaxM1Config.Load(source);
        using var weights = MiniMaxM1Weights.Load(source, config);
        var vocabulary = ExportRun.TokenizerOf(parsed, source);
        var quantized = Enum.Parse<DType>(parsed.GetRequiredValue(type), ignoreCase: true);
        var kept = 0;
        var name = Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(source));
        var file = new GgufExport(config, weights, tensor => TypeOf(tensor, quantized, parsed.GetRequiredValue(rule), ref kept), vocabulary, name, importance);
        if (kept > 0)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(
                $"note: {kept} matrices stay as they are, because their rows are no multiple of {quantized.BlockElements()}.").ConfigureAwait(false);
        }

        var plan = new ExportPlan(path, file.TensorCount, file.TotalBytes, (progress, cancel) => file.Write(path, progress, cancel));
        return await ExportRun.WriteAsync(parsed, plan, "gguf", vocabulary, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The sums of the file or of the text that --imatrix names; null without it.</summary>
    private static ImportanceMatrix? Importance(ParseResult parsed, string source, CancellationToken cancellationToken)
    {
        var kept = parsed.GetValue(imatrixTarget);
        if (parsed.GetValue(imatrix) is not { } file)
        {
            return kept is null ? null : throw new InvalidInputException("--imatrix-out keeps the sums of --imatrix TEXT; name the text.");
        }

        if (GgufFile.IsGgufPath(file))
        {
            return kept is null ? ImportanceMatrix.Read(file) : throw new InvalidInputException("--imatrix names sums already; --imatrix-out is for those of a text.");
        }

        if (kept is not null)
        {
            kept = Path.GetFullPath(kept);
            if (!GgufFile.IsGgufPath(kept))
            {
                throw new InvalidInputException($"--imatrix-out {kept} does not end in .gguf. Name a GGUF file.");
            }

            ExportRun.CheckTarget(source, kept, "gguf", parsed.GetValue(ExportRun.Force));
        }

        var ids = Tokenizer.Load(ExportRun.TokenizerOf(parsed, source)
            ?? throw new InvalidInputException($"--imatrix needs a tokenizer for the text, and {source} has none. Name one with --tokenizer FOLDER.")).Encode(InputFile.ReadText(file));
        using var loaded = LoadedModel.Open(source, new ModelOptions { BFloat16Inputs = BFloat16Inputs.Exact });
        var error = parsed.InvocationConfiguration.Error;
        var progress = new TokenProgress(error, ids.Length, ProgressLine.IsTerminal(error), TimeProvider.System);
        var matrix = ImportanceMatrix.Collect(loaded.Model, ids, CalibrationWindow, progress, cancellationToken);
        progress.Finish();
        if (kept is not null)
        {
            matrix.Write(kept, Path.GetFileName(file), CalibrationWindow);
        }

        return matrix;
    }

    private static DType? TypeOf(ManifestTensor tensor, DType quantized, string rule, ref int kept)
    {
        var wanted = rule switch
        {
            "experts" => tensor.Role == TensorRole.Experts,
            "all" => true,
            _ => tensor.Role is not (TensorRole.Embedding or TensorRole.Head)
                && !tensor.Name.EndsWith(".out_proj.weight", StringComparison.Ordinal) && !tensor.Name.EndsWith(".o_proj.weight", StringComparison.Ordinal),
        };
        if (!wanted)
        {
            return null;
        }

        var fits = tensor.Shape[^1] % quantized.BlockElements() == 0;
        kept += fits ? 0 : 1;
        return fits ? quantized : null;
    }
}
