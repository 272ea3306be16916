using System.CommandLine;
using MiniMaxSharp.Inference;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax inspect</c>: what a model consists of and what it costs, from its configuration alone.</summary>
internal static partial class InspectCommand
{
    private const long LongestContext = 1_000_000_000_000;
    private const long DefaultPlotContext = 131_072;

    // Below this many active parameters a comparison with 235B and 671B models says nothing.
    private const long ComparableParameters = 1_000_000_000;
    private const long MiniMaxM1Parameters = 456_089_655_296;
    private static readonly long[] MemoryContexts = [4096, 32_768, 131_072, 1_048_576];
    private static readonly long[] FlopsContexts = [1024, 8192, 32_768, 65_536, 100_000, 131_072, 1_000_000];

    /// <summary>What the command found out.</summary>
    private sealed record Findings(
        string ConfigPath, MiniMaxM1Config Config, TensorManifest Manifest, ModelCost Cost, IndexFindings? Index, long[] MemoryContexts, long[] FlopsContexts)
    {
        public bool IsComparable => Cost.ActiveParameters >= ComparableParameters;

        // MiniMax-Text-01 has the same sizes.
        public bool IsMiniMaxM1 => Cost.ParameterCount == MiniMaxM1Parameters;
    }

    /// <summary>What <c>model.safetensors.index.json</c> says; its names have been compared already.</summary>
    private sealed record IndexFindings(string Path, int Tensors, int Shards, long? TotalSize);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder, its config.json (the weights need not be there), or a .gguf file." };
        var context = new Option<long?>("--context") { Description = "Context length in tokens for memory, FLOPs and the plot.", HelpName = "N" };
        var plot = new Option<string?>("--plot") { Description = "Write FLOPs against context length to a .png or .svg file.", HelpName = "FILE" };
        var plan = new Option<long?>("--plan") { Description = "Print only the memory of a run to N tokens, for each --kv-type.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object with all figures, exact integers." };
        var command = new Command("inspect", "Shows what a model consists of and what it costs: tensors, parameters, bytes, state, FLOPs.\n\n"
            + "Example: minimax inspect models/m1 --plot flops.png")
        {
            model, context, plot, plan, json,
        };
        command.SetAction(result =>
        {
            var output = result.InvocationConfiguration.Output;
            var length = result.GetValue(context);
            var plotFile = result.GetValue(plot);
            CheckContext(length, "--context");
            CheckContext(result.GetValue(plan), "--plan");
            CheckPlotFile(plotFile);
            var findings = Inspect(result.GetValue(model)!, length);
            if (length > findings.Config.MaxPositionEmbeddings)
            {
                result.InvocationConfiguration.Error.WriteLine(
                    Invariant($"note: the model declares {findings.Config.MaxPositionEmbeddings:N0} positions, fewer than --context {length:N0}."));
            }

            if (result.GetValue(plan) is { } tokens)
            {
                var plans = Plans(result.GetValue(model)!, findings, tokens);
                var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
                if (result.GetValue(json))
                {
                    output.WriteLine(ToJson(plans, available));
                }
                else
                {
                    WritePlan(TextTerminal.On(output), plans, available);
                }

                return 0;
            }

            if (plotFile is not null)
            {
                SavePlot(plotFile, findings, length ?? Math.Min(DefaultPlotContext, findings.Config.MaxPositionEmbeddings));
                result.InvocationConfiguration.Error.WriteLine($"Plot written to {plotFile}");
            }

            if (result.GetValue(json))
            {
                output.WriteLine(ToJson(findings));
            }
            else
            {
                WriteText(TextTerminal.On(output), findings);
            }

            return 0;
        });
        return command;
    }

    private static void CheckContext(long? context, string option)
    {
        if (context is < 1 or > LongestContext)
        {
            throw new InvalidInputException(Invariant($"{option} is {context}; give a number of tokens from 1 to {LongestContext:N0}."));
        }
    }

    // The two methods below are all that touches the plotting libraries: they are loaded only when --plot is given.
    private static void CheckPlotFile(string? file)
    {
        if (file is not null)
        {
            FlopsPlot.CheckEnding(file);
        }
    }

    private static void SavePlot(string file, Findings findings, long longestContext)
    {
        var lines = new List<FlopsLine> { new(findings.IsMiniMaxM1 ? "MiniMax-M1" : "this model", findings.Cost.Decode) };
        if (findings.IsComparable)
        {
            lines.Add(new FlopsLine(PeerCost.DeepSeekR1.Name, PeerCost.DeepSeekR1.Decode));
            lines.Add(new FlopsLine(PeerCost.Qwen3.Name, PeerCost.Qwen3.Decode));
        }

        FlopsPlot.Save(file, lines, longestContext);
    }

    private static Findings Inspect(string model, long? context)
    {
        var config = MiniMaxM1Config.Load(model);
        var path = Directory.Exists(model) ? Path.Combine(model, "config.json") : model;
        var manifest = TensorManifest.Create(config, config.TorchDtype);
        var declared = config.MaxPositionEmbeddings;
        return new Findings(
            path,
            config,
            manifest,
            new ModelCost(config),
            ReadIndex(Path.Combine(Path.GetDirectoryName(path)!, Checkpoint.IndexName), manifest),
            context is { } one ? [one] : Within(MemoryContexts, declared),
            context is { } other ? [other] : Within(FlopsContexts, declared));
    }

    private static long[] Within(long[] contexts, long declared) =>
        declared >= contexts[^1] ? contexts : [.. contexts.Where(n => n < declared), declared];

    private static IndexFindings? ReadIndex(string path, TensorManifest manifest)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var index = CheckpointIndex.Read(path);
        manifest.CheckIndex(index.WeightMap.Keys, path);
        return new IndexFindings(path, index.WeightMap.Count, index.WeightMap.Values.Distinct().Count(), index.TotalSize);
    }
}
