using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Decides what one step runs: one token of each answer that decodes, then chunks of prompts in the room that is left. Chunks end on the
/// absolute grid of <see cref="LightningAttention.BlockTokens"/>, but at the end of a prompt, so that neither the company in the batch
/// nor a cached prefix changes a bit.
/// </summary>
/// <remarks>
/// Answers run in the order of priority, then arrival. When slots are short, a waiting answer of higher priority takes the slot of the
/// last one, whose states are kept aside. When memory is short, cached prefixes go first, then states that were kept aside, then
/// those of the last running answer, which later run again.
/// </remarks>
internal sealed class Scheduler(MiniMaxM1 model, int maxRunning, long capacity, PrefixCache? cache)
{
    private const int Grid = LightningAttention.BlockTokens;
    private static readonly Comparer<AnswerSequence> byOrder = Comparer<AnswerSequence>.Create(AnswerSequence.Compare);
    private readonly List<AnswerSequence> waiting = [];
    private readonly List<AnswerSequence> running = [];
    private readonly List<AnswerSequence> order = [];

    /// <summary>Answers that run, first ones first.</summary>
    public IReadOnlyList<AnswerSequence> Running => running;

    /// <summary>Answers that wait, first ones first.</summary>
    public IReadOnlyList<AnswerSequence> Waiting => waiting;

    /// <summary>Times that an answer lost its slot or its states.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Answers with states.</summary>
    public int StateCount => running.Count(HasState) + waiting.Count(HasState);

    /// <summary>Bytes of the states of all answers; shared pages count for each.</summary>
    public long StateBytes
    {
        get
        {
            var bytes = 0L;
            foreach (var answer in running)
            {
                bytes += BytesAt(answer, answer.Position);
            }

            foreach (var answer in waiting)
            {
                bytes += BytesAt(answer, answer.Position);
            }

            return bytes;
        }
    }

    /// <summary>An answer waits from now on, with or without states.</summary>
    public void Add(AnswerSequence answer) => Insert(waiting, answer);

    /// <summary>An answer has ended; its states are freed.</summary>
    public void Remove(AnswerSequence answer)
    {
        _ = running.Remove(answer) || waiting.Remove(answer);
        answer.Dispose();
    }

    /// <summary>Fills <paramref name="batch"/> with the next step; empty when nothing is to do.</summary>
    public void Schedule(StepBatch batch)
    {
        batch.Clear();
        Admit();
        order.Clear();
        order.AddRange(running);
        var rows = model.MaxStepTokens - order.Count(answer => !answer.InPrefill);
        foreach (var answer in order)
        {
            if (answer.InPrefill && running.Contains(answer))
            {
                rows -= Prefill(answer, rows, batch);
            }
            else if (running.Contains(answer) && Reserve(answer, answer.Position + 1))
            {
                batch.Add(answer, answer.Position + 1);
            }
        }
    }

    /// <summary>Gives <paramref name="follower"/> a copy of the states when there is memory; without it runs the prompt itself.</summary>
    public void Fork(AnswerSequence leader, AnswerSequence follower)
    {
        if (StateBytes + BytesAt(leader, leader.Position) + CacheBytes <= capacity)
        {
            follower.State = leader.State!.Clone();
        }

        Add(follower);
    }

    private long CacheBytes => cache?.Bytes ?? 0;

    private long BytesAt(AnswerSequence answer, int position) => answer.State is null ? 0 : model.StateBytes(position);

    private static bool HasState(AnswerSequence answer) => answer.State is not null;

    private static void Insert(List<AnswerSequence> list, AnswerSequence answer)
    {
        var index = list.BinarySearch(answer, byOrder);
        list.Insert(index < 0 ? ~index : index, answer);
    }

    private void Admit()
    {
        while (waiting.Count > 0)
        {
            var next = waiting[0];
            if (running.Count == maxRunning)
            {
                if (running[^1].Running.Request.Priority >= next.Running.Request.Priority)
                {
                    return;
                }

                Preempt(running[^1]);
            }

            waiting.Remove(next);
            Insert(running, next);
        }
    }

    private void Preempt(AnswerSequence answer)
    {
        Preemptions++;
        running.Remove(answer);
        Insert(waiting, answer);
    }

    /// <summary>Adds a chunk of a prompt of at most <paramref name="rows"/> tokens; returns its length.</summary>
    private int Prefill(AnswerSequence answer, int rows, StepBatch batch)
    {
        if (answer.State is null && (rows < Math.Min(Grid, answer.PromptLength) || !Begin(answer)))
        {
            return 0;
        }

        var start = answer.Position;
        var end = answer.PromptLength;
        foreach (var position in answer.SnapshotPositions)
        {
            if (position > start)
            {
                end = position;
                break;
            }
        }

        end = end - start <= rows ? end : (start + rows) / Grid * Grid;
        if (end <= start || !Reserve(answer, end))
        {
            return 0;
        }

        batch.Add(answer, end);
        return end - start;
    }

    /// <summary>States for an answer that has none: from the longest cached prefix, or empty.</summary>
    private bool Begin(AnswerSequence answer)
    {
        if (!Reserve(answer, Math.Min(answer.PromptLength, answer.Position + Grid)))
        {
            return false;
        }

        var request = answer.Running.Request;
        answer.SnapshotPositions.Clear();
        if (cache is null || !request.UsePrefixCache)
        {
            answer.State = model.CreateState();
            answer.Running.CacheMissReason ??= CacheMiss.NotUsed(cache is null);
            return true;
        }

        var hit = answer.Running.PromptScores is { IsComplete: false }
            ? new PrefixHit(null, 0, CacheMiss.PromptLogProbs())
            : cache.Find(request.Prompt.Span);
        answer.State = hit.State?.Clone() ?? model.CreateState();
        cache.AddSnapshotPositions(request, hit, answer.SnapshotPositions);
        if (answer.Count == answer.PromptLength)
        {
            answer.Running.CachedTokens = answer.Position;
            answer.Running.CacheMissReason = hit.MissReason;
        }

        return true;
    }

    /// <summary>Makes room for the states of an answer up to <paramref name="position"/>. False: it lost its own place, or has to wait a step.</summary>
    private bool Reserve(AnswerSequence answer, int position)
    {
        while (StateBytesWithout(answer) + model.StateBytes(position) + CacheBytes > capacity)
        {
            if (cache is not null && cache.Evict())
            {
                continue;
            }

            if (waiting.FindLast(other => other.State is not null) is { } aside)
            {
                aside.Dispose();
                Preemptions++;
                continue;
            }

            var last = running.FindLast(other => other.State is not null) ?? answer;
            if (AnswerSequence.Compare(last, answer) < 0)
            {
                last = answer; // What runs before has the memory.
            }

            last.Dispose();
            Preempt(last);
            if (last == answer)
            {
                return false;
            }
        }

        return true;
    }

    private long StateBytesWithout(AnswerSequence answer) => StateBytes - BytesAt(answer, answer.Position);
}
