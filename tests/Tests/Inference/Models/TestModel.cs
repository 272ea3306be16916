using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Inference.Models;

/// <summary>A small model opened for a test, with the ways in which tests run it.</summary>
internal sealed class TestModel : IDisposable
{
    private readonly MiniMaxM1Weights weights;
    private readonly ComputePool pool = new(2);
    private readonly MiniMaxM1 model;

    private TestModel(string folder)
    {
        Config = MiniMaxM1Config.Load(folder);
        weights = MiniMaxM1Weights.Load(folder, Config);
        model = new MiniMaxM1(Config, weights, pool, maxStepTokens: 1024);
    }

    public MiniMaxM1Config Config { get; }

    public static TestModel Open(string folder) => new(folder);

    public void Dispose()
    {
        model.Dispose();
        pool.Dispose();
        weights.Dispose();
    }

    /// <summary>Logits [n, V] of all positions, computed in chunks, and what happened inside.</summary>
    public (float[] Logits, ForwardTrace Trace) Run(int[] ids, int chunk)
    {
        using var state = model.CreateState();
        var trace = new ForwardTrace(Config, ids.Length);
        var logits = new List<float>();
        for (var start = 0; start < ids.Length; start += chunk)
        {
            var tokens = ids.AsMemory(start, Math.Min(chunk, ids.Length - start));
            model.Forward([new SequenceChunk(state, tokens)], trace);
            logits.AddRange(AllLogits(0, tokens.Length));
        }

        return ([.. logits], trace);
    }

    /// <summary>Logits of several sequences in one step.</summary>
    public float[][] Batch(int[][] rows)
    {
        var states = rows.Select(_ => model.CreateState()).ToArray();
        model.Forward([.. rows.Select((ids, i) => new SequenceChunk(states[i], ids))]);
        Array.ForEach(states, state => state.Dispose());
        var start = 0;
        return [.. rows.Select(ids => AllLogits((start += ids.Length) - ids.Length, ids.Length))];
    }

    public SequenceState Prefill(int[] ids, int chunk)
    {
        var state = model.CreateState();
        for (var start = 0; start < ids.Length; start += chunk)
        {
            model.Forward([new SequenceChunk(state, ids.AsMemory(start, Math.Min(chunk, ids.Length - start)))]);
        }

        return state;
    }

    /// <summary>Logits [V] after some more tokens.</summary>
    public float[] Continue(SequenceState state, int[] ids)
    {
        model.Forward([new SequenceChunk(state, ids)]);
        return model.Logits(ids.Length - 1).ToArray();
    }

    public (int[] Ids, float[] StepLogits) Greedy(int[] prompt, int count)
    {
        using var state = model.CreateState();
        var (ids, stepLogits) = (new List<int>(), new List<float>());
        var tokens = prompt;
        for (var step = 0; step < count; step++)
        {
            model.Forward([new SequenceChunk(state, tokens)]);
            var logits = model.Logits(tokens.Length - 1).ToArray();
            stepLogits.AddRange(logits);
            tokens = [Array.IndexOf(logits, logits.Max())];
            ids.Add(tokens[0]);
        }

        return ([.. ids], [.. stepLogits]);
    }

    public long AllocatedPerDecodeStep()
    {
        using var state = Prefill([1, 2, 3], chunk: 8);
        SequenceChunk[] step = [new SequenceChunk(state, new int[1])];
        for (var i = 0; i < 20; i++)
        {
            model.Forward(step);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            model.Forward(step);
            model.Logits(0);
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
    }

    private float[] AllLogits(int row, int count)
    {
        var logits = new List<float>();
        for (var done = 0; done < count; done += model.LogitRows)
        {
            logits.AddRange(model.Logits(row + done, Math.Min(model.LogitRows, count - done)));
        }

        return [.. logits];
    }
}
