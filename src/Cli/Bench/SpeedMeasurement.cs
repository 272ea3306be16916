using System.Diagnostics;
using System.Globalization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>One line of a benchmark, in tokens per second.</summary>
/// <param name="Name"><c>pp512</c> or <c>tg64</c>, as llama-bench names them.</param>
/// <param name="Depth">Tokens that stand before.</param>
/// <param name="Median">Median rate.</param>
/// <param name="Slowest">Lowest rate.</param>
/// <param name="Fastest">Highest rate.</param>
/// <param name="BytesPerToken">Bytes that one decoded token moves; 0 for prefill.</param>
internal sealed record SpeedRow(string Name, int Depth, double Median, double Slowest, double Fastest, long BytesPerToken);

/// <summary>Times prefill and decode from a sequence of a given depth; every repetition starts from a fork of the same state.</summary>
internal sealed class SpeedMeasurement(LoadedModel loaded, int repetitions, TimeSpan warmUp, bool syntheticDepth, TextWriter error, CancellationToken cancellationToken)
{
    private readonly MiniMaxM1 model = loaded.Model;

    /// <summary>All tests at one depth.</summary>
    public IEnumerable<SpeedRow> At(int depth, int[] prompts, int decodeTokens)
    {
        using var state = model.CreateState();
        if (syntheticDepth)
        {
            state.FillSynthetic(depth);
        }
        else
        {
            var progress = new TokenProgress(error, depth, ProgressLine.IsTerminal(error), TimeProvider.System);
            Prefill(state, depth, progress);
            progress.Finish();
        }

        foreach (var length in prompts)
        {
            yield return Measure($"pp{length}", depth, length, state, bytes: 0, fork => Prefill(fork, length, null));
        }

        if (decodeTokens > 0)
        {
            yield return Measure($"tg{decodeTokens}", depth, decodeTokens, state, loaded.DecodeBytes(depth + (decodeTokens / 2)), fork => Decode(fork, decodeTokens));
        }
    }

    private SpeedRow Measure(string name, int depth, int tokens, SequenceState start, long bytes, Action<SequenceState> run)
    {
        var rates = new List<double>();
        var warming = Stopwatch.StartNew();
        do
        {
            Rate();
        }
        while (warming.Elapsed < warmUp);

        for (var repetition = 0; repetition < repetitions; repetition++)
        {
            rates.Add(Rate());
        }

        rates.Sort();
        error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} at {depth}: {rates[rates.Count / 2]:F2} t/s"));
        return new SpeedRow(name, depth, rates[rates.Count / 2], rates[0], rates[^1], bytes);

        double Rate()
        {
            using var fork = start.Clone();
            var clock = Stopwatch.StartNew();
            run(fork);
            return tokens / clock.Elapsed.TotalSeconds;
        }
    }

    private void Prefill(SequenceState state, int count, IProgress<long>? progress)
    {
        for (var done = 0; done < count;)
        {
            var tokens = Tokens(state.Position, Math.Min(model.MaxStepTokens, count - done));
            Step(state, tokens);
            done += tokens.Length;
            progress?.Report(done);
        }

        if (count > 0)
        {
            model.Logits((count - 1) % model.MaxStepTokens);
        }
    }

    private void Decode(SequenceState state, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Step(state, Tokens(state.Position, 1));
            model.Logits(0);
        }
    }

    private void Step(SequenceState state, int[] tokens)
    {
        cancellationToken.ThrowIfCancellationRequested();
        model.Forward([new SequenceChunk(state, tokens)]);
    }

    /// <summary>Ids spread over the vocabulary, so that experts and embedding rows differ from token to token.</summary>
    private int[] Tokens(int position, int count) =>
        [.. Enumerable.Range(position, count).Select(i => (int)((uint)i * 2654435761u % (uint)model.Config.VocabSize))];
}
