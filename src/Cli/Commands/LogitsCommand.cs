using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax logits</c>: the numbers inside the model for given token ids, for comparison with other implementations.</summary>
internal static class LogitsCommand
{
    private const string Help = """
        Runs token ids through the model and writes what it computed as safetensors (F32 and I32):
        logits [n,V], hidden_states [L+1,n,H] (0 is the embedding, l+1 the output of layer l before the final norm),
        router_indices and router_weights [L,n,K], token_logprobs [n-1], and with --greedy the next N ids, by the cached path.
        With --all n is the number of ids, otherwise only the last position is written; token_logprobs always has n-1 entries.

        Example:
          echo '[1, 2, 3]' > ids.json
          minimax logits models/random-tiny --tokens ids.json --out numbers.safetensors --all --greedy 8
        """;

    private static readonly Argument<string> model = new("MODEL") { Description = "Folder of the model, or a .gguf file." };

    private static readonly Option<string> tokensFile = new("--tokens") { Description = "JSON file: an array of token ids.", Required = true };

    private static readonly Option<string> outFile = new("--out") { Description = "The safetensors file to write.", Required = true };

    private static readonly Option<bool> all = new("--all") { Description = "Write all positions, not only the last." };

    private static readonly Option<int> greedy = new("--greedy") { Description = "Continue greedily by N tokens.", HelpName = "N" };

    private static readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };

    private static readonly Option<bool> checkFinite = new("--check-finite") { Description = "Read all weights first and refuse NaN and infinities." };

    private static readonly Option<int> chunk = new("--chunk") { Description = "Tokens of one prefill step.", DefaultValueFactory = _ => 512 };

    private static readonly Option<KeyValueType> keyValueType = RunOptions.KeyValueType(KeyValueType.F32);
    private static readonly Option<BFloat16Inputs> bfloat16Inputs = RunOptions.BFloat16Inputs(BFloat16Inputs.Exact);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("logits", Help) { model, tokensFile, outFile, all, greedy, threads, chunk, keyValueType, bfloat16Inputs, checkFinite };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var (steps, chunkTokens) = (parsed.GetValue(greedy), parsed.GetValue(chunk));
        if (steps < 0 || chunkTokens < 1 || parsed.GetValue(threads) < 0)
        {
            throw new InvalidInputException("--greedy and --threads must not be negative, --chunk must be at least 1.");
        }

        var ids = ReadIds(parsed.GetRequiredValue(tokensFile));
        var options = new ModelOptions
        {
            Threads = parsed.GetValue(threads),
            MaxStepTokens = chunkTokens,
            KeyValueType = parsed.GetValue(keyValueType),
            BFloat16Inputs = parsed.GetValue(bfloat16Inputs),
            CheckFinite = parsed.GetValue(checkFinite),
        };
        using var loaded = LoadedModel.Open(parsed.GetRequiredValue(model), options);
        loaded.CheckMemory((long)ids.Length + steps);
        using var run = new TracedRun(loaded.Model, ids, parsed.GetValue(all), steps, chunkTokens);
        OutputFile.Write(parsed.GetRequiredValue(outFile), path => run.WriteTo(path));
        return 0;
    }

    /// <summary>The ids of a JSON file.</summary>
    internal static int[] ReadIds(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(InputFile.ReadBytes(path));
            var ids = document.RootElement.EnumerateArray().Select(element => element.GetInt32()).ToArray();
            return ids.Length > 0 ? ids : throw new InvalidInputException($"{path} holds no token ids. Give at least one.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException($"{path} is not a JSON array of token ids such as [1, 2, 3]: {exception.Message}", exception);
        }
    }

    /// <summary>One sequence through the model; logits go to the file as they come, the rest is kept until the end.</summary>
    private sealed class TracedRun(MiniMaxM1 model, int[] ids, bool all, int greedySteps, int chunkTokens) : IDisposable
    {
        private readonly SequenceState state = model.CreateState();

        public void Dispose() => state.Dispose();

        public void WriteTo(string path)
        {
            var config = model.Config;
            var rows = all ? ids.Length : 1;
            using var writer = new SafetensorsWriter(path, Declarations(config, rows));
            var trace = new ForwardTrace(config, ids.Length);
            var logprobs = new float[ids.Length - 1];
            for (var start = 0; start < ids.Length; start += chunkTokens)
            {
                var tokens = ids.AsMemory(start, Math.Min(chunkTokens, ids.Length - start));
                model.Forward([new SequenceChunk(state, tokens)], trace);
                WriteLogits(writer, start, tokens.Length, logprobs);
            }

            var next = greedySteps > 0 ? Argmax(model.Logits((ids.Length - 1) % chunkTokens)) : 0;
            Write(writer, "hidden_states", Positions(trace.HiddenStates, config.NumHiddenLayers + 1, config.HiddenSize));
            Write(writer, "router_indices", Positions(trace.RouterIndices, config.NumHiddenLayers, config.NumExpertsPerTok));
            Write(writer, "router_weights", Positions(trace.RouterWeights, config.NumHiddenLayers, config.NumExpertsPerTok));
            Write(writer, "token_logprobs", logprobs);
            Write(writer, "greedy_ids", Greedy(next));
            writer.Complete();
        }

        private static int Argmax(ReadOnlySpan<float> logits)
        {
            var best = 0;
            for (var i = 1; i < logits.Length; i++)
            {
                best = logits[i] > logits[best] ? i : best;
            }

            return best;
        }

        private static void Write<T>(SafetensorsWriter writer, string name, T[] values)
            where T : unmanaged => writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));

        private List<TensorDeclaration> Declarations(MiniMaxM1Config config, int rows)
        {
            long L = config.NumHiddenLayers, n = rows;
            List<TensorDeclaration> tensors =
            [
                new("logits", DType.F32, n, config.VocabSize),
                new("hidden_states", DType.F32, L + 1, n, config.HiddenSize),
                new("router_indices", DType.I32, L, n, config.NumExpertsPerTok),
                new("router_weights", DType.F32, L, n, config.NumExpertsPerTok),
                new("token_logprobs", DType.F32, ids.Length - 1),
            ];
            if (greedySteps > 0)
            {
                tensors.Add(new("greedy_ids", DType.I32, greedySteps));
            }

            return tensors;
        }

        private void WriteLogits(SafetensorsWriter writer, int start, int count, float[] logprobs)
        {
            for (var row = 0; row < count; row += model.LogitRows)
            {
                var rows = Math.Min(model.LogitRows, count - row);
                var logits = model.Logits(row, rows);
                for (var i = 0; i < rows; i++)
                {
                    var position = start + row + i;
                    var one = logits.Slice(i * model.Config.VocabSize, model.Config.VocabSize);
                    if (position < logprobs.Length)
                    {
                        logprobs[position] = (float)LogSoftmax.At(one, ids[position + 1]);
                    }

                    if (all || position == ids.Length - 1)
                    {
                        writer.Write("logits", MemoryMarshal.AsBytes(one));
                    }
                }
            }
        }

        private T[] Positions<T>(T[] values, int planes, int width)
        {
            if (all)
            {
                return values;
            }

            var last = new T[planes * width];
            for (var plane = 0; plane < planes; plane++)
            {
                Array.Copy(values, ((plane * ids.Length) + ids.Length - 1) * width, last, plane * width, width);
            }

            return last;
        }

        private int[] Greedy(int next)
        {
            var generated = new int[greedySteps];
            for (var i = 0; i < generated.Length; i++)
            {
                generated[i] = next;
                if (i + 1 < generated.Length)
                {
                    model.Forward([new SequenceChunk(state, generated.AsMemory(i, 1))]);
                    next = Argmax(model.Logits(0));
                }
            }

            return generated;
        }
    }
}
