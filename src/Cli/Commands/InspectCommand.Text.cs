using System.Globalization;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using Spectre.Console;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <content>Text output.</content>
internal static partial class InspectCommand
{
    private static readonly long[] RatioContexts = [32_768, 65_536, 100_000, 131_072, 1_000_000];

    private static void WriteText(IAnsiConsole console, Findings findings)
    {
        Heading(console, findings.ConfigPath);
        WriteArchitecture(console, findings.Config);
        WriteCheckpoint(console, findings);
        WriteRoles(console, findings);
        WriteMemory(console, findings);
        WriteFlops(console, findings);
        if (findings.IsComparable)
        {
            WriteComparison(console, findings);
        }
    }

    private static void WriteArchitecture(IAnsiConsole console, MiniMaxM1Config config)
    {
        var softmax = Enumerable.Range(0, config.NumHiddenLayers).Where(l => config.AttnTypeList[l] == AttentionKind.Softmax).ToArray();
        WritePairs(console,
            ("layers", $"{config.NumHiddenLayers}: {config.CountLayers(AttentionKind.Lightning)} lightning, {softmax.Length} softmax"
                + (softmax.Length > 0 ? $" ({(softmax.Length == 1 ? "layer" : "layers")} {string.Join(", ", softmax)})" : "")),
            ("hidden size", Number(config.HiddenSize)),
            ("heads", Invariant($"{config.NumAttentionHeads} of {config.HeadDim}, {config.NumKeyValueHeads} key/value heads; ")
                + Invariant($"RoPE turns {config.RotaryDim} dimensions, base {config.RopeTheta:#,0.###}")),
            ("experts", $"{config.NumLocalExperts} a layer, {config.NumExpertsPerTok} for each token, inner width {Number(config.IntermediateSize)}"),
            ("shared MLP", config.SharedIntermediateSize > 0 ? $"inner width {Number(config.SharedIntermediateSize)}" : "none"),
            ("vocabulary", $"{Number(config.VocabSize)}, head {(config.TieWordEmbeddings ? "tied to the embedding" : "of its own")}"),
            ("residual", (config.Postnorm ? "post-norm" : "pre-norm")
                + Invariant($"; alpha/beta: lightning {config.LayernormLinearAttentionAlpha}/{config.LayernormLinearAttentionBeta}, ")
                + Invariant($"softmax {config.LayernormFullAttentionAlpha}/{config.LayernormFullAttentionBeta}, ")
                + Invariant($"experts {config.LayernormMlpAlpha}/{config.LayernormMlpBeta}")),
            ("positions", Number(config.MaxPositionEmbeddings)));
    }

    private static void WriteCheckpoint(IAnsiConsole console, Findings findings)
    {
        var (cost, manifest, index) = (findings.Cost, findings.Manifest, findings.Index);
        var names = index is null
            ? "no model.safetensors.index.json here to compare with"
            : $"all names match {Path.GetFileName(index.Path)} ({Number(index.Shards)} {(index.Shards == 1 ? "shard" : "shards")})";
        var size = index?.TotalSize is not { } total ? ""
            : total == manifest.TotalBytes ? ", equal to total_size of the index"
            : $", but total_size of the index is {Number(total)}: its tensors have other types";
        Heading(console, "Checkpoint");
        WritePairs(console,
            ("tensors", $"{Number(manifest.Tensors.Length)} tensors, {names}"),
            ("parameters", $"{Number(cost.ParameterCount)} parameters"),
            ("bytes", $"{Number(manifest.TotalBytes)} bytes ({TypeText(findings.Config)}){size}"),
            ("active per token", $"{Billions(cost.ActiveWithoutVocabulary)} without embedding and head"),
            ("", $"{Billions(cost.ActiveWithoutEmbedding)} with the head, without the embedding"),
            ("", $"{Billions(cost.ActiveParameters)} with both"));
    }

    private static string TypeText(MiniMaxM1Config config) =>
        config.TorchDtype == DType.F32 ? "F32" : $"{config.TorchDtype}, router gates F32";

    private static void WriteRoles(IAnsiConsole console, Findings findings)
    {
        var table = NewTable(console, "kind of tensor", "tensors", "parameters", "bytes", "share");
        foreach (var role in findings.Manifest.Tensors.GroupBy(static t => t.Role).OrderByDescending(static g => g.Sum(t => t.ByteSize)))
        {
            var bytes = role.Sum(static t => t.ByteSize);
            AddRow(table, RoleText(role.Key), Number(role.Count()), Number(role.Sum(static t => t.ElementCount)), Number(bytes),
                Invariant($"{100.0 * bytes / findings.Manifest.TotalBytes:0.00}%"));
        }

        console.Write(table);
    }

    private static string RoleText(TensorRole role) => role switch
    {
        TensorRole.LightningAttention => "lightning attention",
        TensorRole.SoftmaxAttention => "softmax attention",
        TensorRole.SharedMlp => "shared MLP",
        _ => role.ToString().ToLowerInvariant(),
    };

    private static void WriteMemory(IAnsiConsole console, Findings findings)
    {
        var state = findings.Cost.LightningStateBytes();
        Heading(console, "Memory of one sequence");
        WritePairs(console,
            ("lightning state", $"{Number(state)} bytes (f32), whatever the length"),
            ("keys and values", $"{Number(findings.Cost.KeyValueBytesPerToken())} bytes for each token (bf16)"));
        var table = NewTable(console, "context", "lightning state", "keys and values", "together");
        foreach (var n in findings.MemoryContexts)
        {
            var keyValues = findings.Cost.KeyValueBytes(n);
            AddRow(table, FlopsUnits.Tokens(n), FlopsUnits.Bytes(state), FlopsUnits.Bytes(keyValues), FlopsUnits.Bytes(state + keyValues));
        }

        console.Write(table);
    }

    private static void WriteFlops(IAnsiConsole console, Findings findings)
    {
        var decode = findings.Cost.Decode;
        Heading(console, "FLOPs of this model (one multiply-add = 2)");
        Line(console, $"one token that sees n keys: f(n) = {Number(decode.Fixed)} + {Number(decode.PerVisibleKey)} n");
        Line(console, "generation is f(1) + ... + f(n); prefill has lightning blocks of 256 and logits of the last token only");
        var table = NewTable(console, "n", "one token", "generation of n tokens", "prefill of n tokens");
        foreach (var n in findings.FlopsContexts)
        {
            Int128[] flops = [decode.PerToken(n), decode.Cumulative(n), findings.Cost.PrefillFlops(n)];
            AddRow(table, [FlopsUnits.Tokens(n), .. flops.Select(FlopsUnits.Text)]);
        }

        console.Write(table);
    }

    private static void WriteComparison(IAnsiConsole console, Findings findings)
    {
        long[] contexts = findings.MemoryContexts.Length == 1 ? findings.MemoryContexts : RatioContexts;
        Heading(console, "Compared with DeepSeek-R1 and Qwen3-235B-A22B");
        Line(console, "Counted from the exact configurations: weights that a token is multiplied with (head and routers included), attention, and lightning state.");
        Line(console, "R1: keys and values unfolded for each head. R1 absorbed: up-projections absorbed into the query (MLA), as servers execute it.");
        WritePeers(console, "FLOPs of one token that sees n keys", findings, contexts, static (flops, n) => flops.PerToken(n));
        WritePeers(console, "FLOPs of generating n tokens from an empty context (cumulative)", findings, contexts, static (flops, n) => flops.Cumulative(n));
        if (findings.IsMiniMaxM1)
        {
            WriteFigure1(console, contexts);
        }
    }

    private static void WritePeers(IAnsiConsole console, string title, Findings findings, long[] contexts, Func<DecodeFlops, long, Int128> measure)
    {
        DecodeFlops[] peers = [PeerCost.DeepSeekR1.Decode, PeerCost.DeepSeekR1Absorbed.Decode, PeerCost.Qwen3.Decode];
        var name = findings.IsMiniMaxM1 ? "M1" : "model";
        Line(console, "");
        Line(console, title);
        var table = NewTable(console, "n", name, "R1", "R1 absorbed", "Qwen3", $"{name}/R1", $"{name}/R1 absorbed", $"{name}/Qwen3");
        foreach (var n in contexts)
        {
            var own = measure(findings.Cost.Decode, n);
            var theirs = peers.Select(peer => measure(peer, n)).ToArray();
            var ratios = theirs.Select(their => Ratio((double)own / (double)their));
            AddRow(table, [FlopsUnits.Tokens(n), FlopsUnits.Text(own), .. theirs.Select(FlopsUnits.Text), .. ratios]);
        }

        console.Write(table);
    }

    private static void WriteFigure1(IAnsiConsole console, long[] contexts)
    {
        Line(console, "");
        Line(console, "Figure 1 (right) of the MiniMax-M1 report, for reference: also cumulative, but counted differently");
        var table = NewTable(console, "n", "M1/R1", "M1/Qwen3");
        foreach (var n in contexts)
        {
            var own = ReportFigure1.MiniMaxM1(n);
            AddRow(table, FlopsUnits.Tokens(n), Ratio(own / ReportFigure1.DeepSeekR1(n)), Ratio(own / ReportFigure1.Qwen3(n)));
        }

        console.Write(table);
        Line(console, "The figure's curves are those of 8 softmax layers where the released model has 10, and weigh attention and weights differently.");
        Line(console, "The report's \"about 25% of R1 at 100K tokens\" is 0.222 for one token and 0.344 cumulative by the exact configurations; "
            + "the figure itself gives 0.292.");
    }

    private static void Heading(IAnsiConsole console, string text)
    {
        console.WriteLine();
        console.Write(new Text(text + Environment.NewLine, new Style(decoration: Decoration.Bold)));
    }

    private static void Line(IAnsiConsole console, string text) => console.Write(new Text(text + Environment.NewLine));

    private static void WritePairs(IAnsiConsole console, params ReadOnlySpan<(string Name, string Value)> pairs)
    {
        foreach (var (name, value) in pairs)
        {
            Line(console, $"  {name,-17} {value}");
        }
    }

    private static Table NewTable(IAnsiConsole console, params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = console.Profile.Capabilities.Unicode ? TableBorder.Simple : TableBorder.Markdown };
        for (var i = 0; i < columns.Length; i++)
        {
            var column = new TableColumn(new Text(columns[i])) { NoWrap = true };
            table.AddColumn(i == 0 ? column.LeftAligned() : column.RightAligned());
        }

        return table;
    }

    private static void AddRow(Table table, params ReadOnlySpan<string> cells)
    {
        var row = new List<Text>();
        foreach (var cell in cells)
        {
            row.Add(new Text(cell));
        }

        table.AddRow(row);
    }

    private static string Number(Int128 value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Ratio(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Billions(Int128 value) => value < 10_000_000
        ? $"{Number(value)} active"
        : Invariant($"{(double)value / 1e9:0.00} B active ({Number(value)})");
}
