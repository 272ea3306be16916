using System.Runtime.InteropServices;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Training;

/// <summary>
/// One worker of a <see cref="RolloutEngine"/>: takes prompts while there is room for their answers, runs the prompts in blocks of the absolute grid
/// and one token of each running answer in common steps.
/// </summary>
internal sealed class RolloutWorker(
    MiniMaxM1 model, RolloutOptions options, IReadOnlyList<RolloutRequest> requests, RolloutAnswer[][] results, SamplingParams sampling, int maxTokens,
    long policyVersion, Func<int?> take)
{
    private const int Grid = LightningAttention.BlockTokens;
    private readonly int vocabulary = model.Config.VocabSize;
    private readonly HashSet<int> endIds = [.. options.EndIds];
    private readonly List<Answer> running = [];
    private readonly List<Answer> waiting = []; // Forked answers for which there is no room in a step yet.
    private readonly List<(int Request, SequenceState State, List<byte>? Routes)> prompts = []; // Not all of their tokens have run.
    private readonly List<SequenceChunk> chunks = [];
    private readonly List<int> rows = []; // Last row of each running answer, then of each prompt that ends in this step.
    private readonly List<int> endingPrompts = [];
    private readonly ForwardTrace? trace = options.RecordRoutes ? new ForwardTrace(model.Config, model.MaxStepTokens) : null;
    private readonly List<(List<byte> Routes, int Row, int Count)> recorded = [];

    /// <summary>Runs until no prompt is left.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Admit();
                if (running.Count == 0 && prompts.Count == 0)
                {
                    return;
                }

                Schedule();
                model.Forward(CollectionsMarshal.AsSpan(chunks), trace);
                RecordRoutes();
                Draw();
            }
        }
        finally
        {
            running.ForEach(static answer => answer.State.Dispose());
            waiting.ForEach(static answer => answer.State.Dispose());
            prompts.ForEach(static prompt => prompt.State.Dispose());
        }
    }

    /// <summary>Full batches make decoding cheap: the next prompt comes as soon as any of its answers finds room.</summary>
    private void Admit()
    {
        while (waiting.Count > 0 && running.Count < options.MaxRunning)
        {
            running.Add(waiting[^1]);
            waiting.RemoveAt(waiting.Count - 1);
        }

        var expected = running.Count + prompts.Sum(prompt => requests[prompt.Request].Seeds.Length);
        while (expected < options.MaxRunning && take() is { } next)
        {
            prompts.Add((next, model.CreateState(), trace is null ? null : []));
            expected += requests[next].Seeds.Length;
        }
    }

    private void Schedule()
    {
        chunks.Clear();
        rows.Clear();
        endingPrompts.Clear();
        recorded.Clear();
        foreach (var answer in running)
        {
            Record(answer.Routes, chunks.Count, 1);
            rows.Add(chunks.Count);
            chunks.Add(new SequenceChunk(answer.State, answer.LastToken));
        }

        var room = Grid;
        for (var i = 0; i < prompts.Count; i++)
        {
            var (tokens, start) = (requests[prompts[i].Request].Prompt, prompts[i].State.Position);
            var count = Math.Min(tokens.Length - start, Grid);
            if (count > room)
            {
                continue;
            }

            Record(prompts[i].Routes, running.Count + Grid - room, count);
            room -= count;
            chunks.Add(new SequenceChunk(prompts[i].State, tokens.AsMemory(start, count)));
            if (start + count == tokens.Length)
            {
                rows.Add(running.Count + Grid - room - 1);
                endingPrompts.Add(i);
            }
        }
    }

    /// <summary>Draws the next token of each running answer, then the first one of each answer of the prompts that have just ended.</summary>
    private void Draw()
    {
        var all = CollectionsMarshal.AsSpan(rows);
        for (var first = 0; first < all.Length; first += model.LogitRows)
        {
            var part = all.Slice(first, Math.Min(model.LogitRows, all.Length - first));
            var logits = model.LogitsOf(part);
            if (options.Head == HeadPrecision.Bf16)
            {
                BFloat16Bits.Round(logits);
            }

            for (var i = 0; i < part.Length; i++)
            {
                var row = logits.Slice(i * vocabulary, vocabulary);
                if (first + i < running.Count)
                {
                    running[first + i].Draw(row);
                }
                else
                {
                    Fork(prompts[endingPrompts[first + i - running.Count]], row);
                }
            }
        }

        for (var i = endingPrompts.Count - 1; i >= 0; i--)
        {
            prompts.RemoveAt(endingPrompts[i]);
        }

        for (var i = running.Count - 1; i >= 0; i--)
        {
            if (running[i].StopReason is not null)
            {
                Finish(running[i]);
                running[i] = running[^1];
                running.RemoveAt(running.Count - 1);
            }
        }
    }

    private void Fork((int Request, SequenceState State, List<byte>? Routes) prompt, Span<float> logits)
    {
        var seeds = requests[prompt.Request].Seeds;
        for (var sample = 0; sample < seeds.Length; sample++)
        {
            var answer = new Answer(this, prompt.Request, sample, seeds[sample], sample == seeds.Length - 1 ? prompt.State : prompt.State.Clone(), prompt.Routes is null ? null : [.. prompt.Routes]);
            answer.Draw(logits);
            if (answer.StopReason is null)
            {
                waiting.Add(answer);
            }
            else
            {
                Finish(answer);
            }
        }
    }

    private void Record(List<byte>? routes, int row, int count)
    {
        if (routes is not null)
        {
            recorded.Add((routes, row, count));
        }
    }

    private void RecordRoutes()
    {
        if (trace is null)
        {
            return;
        }

        var (L, K, capacity) = (model.Config.NumHiddenLayers, model.Config.NumExpertsPerTok, model.MaxStepTokens);
        foreach (var (routes, first, count) in recorded)
        {
            for (var row = first; row < first + count; row++)
            {
                for (var layer = 0; layer < L; layer++)
                {
                    foreach (var expert in trace.RouterIndices.AsSpan(((layer * capacity) + row) * K, K))
                    {
                        routes.Add((byte)expert);
                    }
                }
            }
        }

        trace.Recorded = 0;
    }

    private void Finish(Answer answer)
    {
        answer.State.Dispose();
        results[answer.Request][answer.Sample] = answer.ToResult(policyVersion);
    }

    private Sampler SamplerOf(ulong seed) => new(sampling with { Seed = seed }, vocabulary, options.UsableVocabulary > 0 ? options.UsableVocabulary : vocabulary);

    private FinishReason? StopReasonOf(int request, int id, int count, bool repeats) =>
        endIds.Contains(id) ? FinishReason.Stop : repeats ? FinishReason.Repetition : count == (requests[request].MaxTokens ?? maxTokens) ? FinishReason.Length : null;

    private RepetitionStop Repetition() => new(options.RepetitionStopCount, options.RepetitionStopProbability);

    /// <summary>One answer on its way.</summary>
    private sealed class Answer(RolloutWorker worker, int request, int sample, ulong seed, SequenceState state, List<byte>? routes)
    {
        private readonly Sampler sampler = worker.SamplerOf(seed);
        private readonly RepetitionStop repetition = worker.Repetition();
        private readonly List<float> logprobs = [];
        private int[] tokens = new int[16];

        public int Request => request;

        public int Sample => sample;

        public SequenceState State => state;

        public List<byte>? Routes => routes;

        public FinishReason? StopReason { get; private set; }

        public ReadOnlyMemory<int> LastToken => tokens.AsMemory(logprobs.Count - 1, 1);

        public void Draw(Span<float> logits)
        {
            var drawn = sampler.Sample(logits);
            if (logprobs.Count == tokens.Length)
            {
                Array.Resize(ref tokens, 2 * tokens.Length);
            }

            tokens[logprobs.Count] = drawn.Id;
            logprobs.Add((float)drawn.LogProb!.Value);
            StopReason = worker.StopReasonOf(request, drawn.Id, logprobs.Count, repetition.Add(drawn.LogProb.Value));
        }

        public RolloutAnswer ToResult(long policyVersion) => new(tokens[..logprobs.Count], [.. logprobs], StopReason!.Value, policyVersion) { Routes = routes?.ToArray() };
    }
}
