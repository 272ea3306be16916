using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using Spectre.Console;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax bench</c>: speed of prefill and decode at given depths.</summary>
internal static class BenchCommand
{
    private const string Help = """
        Measures prefill (pp) and decode (tg) of a model, each after a warm-up: median, fastest and slowest of the repetitions.
        Bytes are what one decoded token must move (active weights, lightning states, keys and values); the share is of the memory
        bandwidth that the same threads reach in the same run. With three depths or more a line is fitted to the time of a token against
        depth, and its slope compared with the bytes of keys and values. --fill synthetic puts random keys, values and states where a
        prefill of the depth would take too long; the speed is the same, the model computes noise.

        Examples:
          minimax bench /data/bench-2b -p 512,2048 -n 64 -d 0,4096 -t 2 --json
          minimax bench /data/bench-2b -p 512 -n 32 -d 0,32768,262144 --fill synthetic --kv-type q8
        """;

    private static readonly Argument<string> model = new("MODEL") { Description = "Model folder." };

    private static readonly Option<string> prompts = new("-p", "--prompt") { Description = "Prompt lengths.", DefaultValueFactory = _ => "512" };

    private static readonly Option<int> generate = new("-n", "--generate") { Description = "Tokens to decode; 0 measures prefill only.", DefaultValueFactory = _ => 64 };

    private static readonly Option<string> depths = new("-d", "--depth") { Description = "Tokens that stand before.", DefaultValueFactory = _ => "0" };

    private static readonly Option<int> threads = new("-t", "--threads") { Description = "Threads; 0 is one per CPU." };

    private static readonly Option<int> repetitions = new("-r", "--repetitions") { Description = "Counted repetitions.", DefaultValueFactory = _ => 5 };

    private static readonly Option<double> warmUp = new("--warm-up")
    {
        Description = "Least seconds that a test runs before it counts, once at least; the runtime replaces its first, quickly made code in that time.",
        DefaultValueFactory = _ => 1.5,
    };

    private static readonly Option<string> fill = new("--fill") { Description = "What stands before: prefill runs it, synthetic makes it up.", DefaultValueFactory = _ => "prefill" };

    private static readonly Option<KeyValueType> keyValueType = RunOptions.KeyValueType(new ModelOptions().KeyValueType);
    private static readonly Option<BFloat16Inputs> bfloat16Inputs = RunOptions.BFloat16Inputs(new ModelOptions().BFloat16Inputs);

    private static readonly Option<bool> pin = RunOptions.Pin();

    private static readonly Option<bool> json = new("--json") { Description = "Print one JSON object." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("bench", Help) { model, prompts, generate, depths, fill, threads, pin, keyValueType, bfloat16Inputs, repetitions, warmUp, json };
        command.Add(BenchServeCommand.Create());
        command.SetAction((parsed, cancellationToken) => Task.Run(() => Run(parsed, cancellationToken), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (lengths, befores) = (Numbers(parsed.GetRequiredValue(prompts), "-p"), Numbers(parsed.GetRequiredValue(depths), "-d"));
        var (count, rounds) = (parsed.GetValue(generate), parsed.GetValue(repetitions));
        if (count < 0 || rounds < 1 || parsed.GetValue(threads) < 0 || !(parsed.GetValue(warmUp) is >= 0 and <= 3600))
        {
            throw new InvalidInputException("-n and -t must not be negative, -r must be at least 1, --warm-up 0 to 3,600 seconds.");
        }

        if (parsed.GetRequiredValue(fill) is var depthFill && depthFill is not ("prefill" or "synthetic"))
        {
            throw new InvalidInputException($"--fill is \"{depthFill}\"; it takes prefill or synthetic.");
        }

        var clock = Stopwatch.StartNew();
        using var loaded = LoadedModel.Open(parsed.GetRequiredValue(model), Options(parsed));
        var load = clock.Elapsed;
        var error = parsed.InvocationConfiguration.Error;
        var longest = befores.Max() + (long)Math.Max(lengths.Max(), count);
        RunOptions.NotePinning(error, loaded.Pool, parsed.GetValue(pin));
        RunOptions.NoteMemory(error, loaded, longest);
        loaded.CheckMemory(longest);
        var measurement = new SpeedMeasurement(loaded, rounds, TimeSpan.FromSeconds(parsed.GetValue(warmUp)), depthFill == "synthetic", error, cancellationToken);
        var rows = befores.SelectMany(depth => measurement.At(depth, lengths, count)).ToList();
        var peak = Process.GetCurrentProcess().PeakWorkingSet64; // Before the bandwidth is measured, which takes memory of its own.
        var bandwidth = MemoryBandwidth.Measure(loaded.Pool);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(json))
        {
            output.WriteLine(ToJson(parsed.GetRequiredValue(model), depthFill, loaded, load, bandwidth, peak, rows).ToJsonString());
            return 0;
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{parsed.GetRequiredValue(model)}: {loaded.Pool.Threads} threads, path {Isa.Path}, keys and values {RunOptions.Name(loaded.Model.KeyValueType)}, load {load.TotalMilliseconds:F0} ms, memory read {bandwidth / 1e9:F1} GB/s, peak memory {ByteSize.Format(peak)}"));
        if (depthFill == "synthetic")
        {
            output.WriteLine("Depth is synthetic: random keys, values and states instead of a prefill.");
        }

        TextTerminal.On(output).Write(ToTable(rows, bandwidth));
        if (DepthFit.Of(rows) is { } fit)
        {
            output.WriteLine(fit.ToText(loaded.KeyValueBytesPerToken, bandwidth));
        }

        return 0;
    }

    private static ModelOptions Options(ParseResult parsed) => new()
    {
        Threads = parsed.GetValue(threads),
        Pin = parsed.GetValue(pin),
        KeyValueType = parsed.GetValue(keyValueType),
        BFloat16Inputs = parsed.GetValue(bfloat16Inputs),
    };

    private static int[] Numbers(string text, string option)
    {
        var numbers = new List<int>();
        foreach (var part in text.Split(','))
        {
            numbers.Add(int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && (number > 0 || option == "-d")
                ? number
                : throw new InvalidInputException($"{option} takes numbers with commas between, such as 512,2048; \"{part}\" is none."));
        }

        return [.. numbers];
    }

    private static Table ToTable(List<SpeedRow> rows, double bandwidth)
    {
        var table = new Table { Border = TableBorder.Markdown };
        foreach (var title in new[] { "test", "depth", "t/s median", "min", "max", "bytes/token", "share of bandwidth" })
        {
            table.AddColumn(new TableColumn(title).RightAligned());
        }

        foreach (var row in rows)
        {
            table.AddRow(
                row.Name,
                Text($"{row.Depth}"),
                Text($"{row.Median:F2}"),
                Text($"{row.Slowest:F2}"),
                Text($"{row.Fastest:F2}"),
                row.BytesPerToken > 0 ? ByteSize.Format(row.BytesPerToken) : "",
                row.BytesPerToken > 0 ? Text($"{row.Median * row.BytesPerToken / bandwidth:P0}") : "");
        }

        return table;

        static string Text(FormattableString value) => value.ToString(CultureInfo.InvariantCulture);
    }

    private static JsonObject ToJson(string name, string depthFill, LoadedModel loaded, TimeSpan load, double bandwidth, long peak, List<SpeedRow> rows) => new()
    {
        ["model"] = name,
        ["threads"] = loaded.Pool.Threads,
        ["path"] = Isa.Path.ToString(),
        ["kv_type"] = RunOptions.Name(loaded.Model.KeyValueType),
        ["bf16_inputs"] = loaded.Options.BFloat16Inputs.ToString().ToLowerInvariant(),
        ["fill"] = depthFill,
        ["load_seconds"] = load.TotalSeconds,
        ["memory_bytes_per_second"] = bandwidth,
        ["peak_bytes"] = peak,
        ["fit"] = DepthFit.Of(rows) is { } fit ? ToJson(fit, loaded.KeyValueBytesPerToken, bandwidth) : null,
        ["tests"] = new JsonArray([.. rows.Select(row => new JsonObject
        {
            ["test"] = row.Name,
            ["depth"] = row.Depth,
            ["tokens_per_second"] = row.Median,
            ["slowest"] = row.Slowest,
            ["fastest"] = row.Fastest,
            ["bytes_per_token"] = row.BytesPerToken > 0 ? row.BytesPerToken : null,
            ["bandwidth_share"] = row.BytesPerToken > 0 ? row.Median * row.BytesPerToken / bandwidth : null,
        })]),
    };

    private static JsonObject ToJson(DepthFit fit, long keyValueBytes, double bandwidth) => new()
    {
        ["test"] = fit.Test,
        ["seconds_at_0"] = fit.Seconds,
        ["seconds_per_depth_token"] = fit.SecondsPerToken,
        ["r2"] = fit.R2,
        ["kv_bytes_per_depth_token"] = keyValueBytes,
        ["slope_bytes_at_memory_bandwidth"] = fit.BytesPerToken(bandwidth),
    };
}
