using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <content>Requests, and the steps that run them.</content>
public sealed partial class InferenceEngine
{
    private readonly int maxRunning;
    private readonly Scheduler scheduler;
    private readonly PrefixCache? cache;
    private readonly StepBatch batch = new();
    private readonly List<AnswerSequence> sampled = [];
    private readonly List<int> sampledRows = [];
    private readonly List<AnswerSequence> ended = [];
    private readonly List<AnswerSequence> admitted = [];
    private readonly Lock admission = new();
    private readonly AutoResetEvent wakeUp = new(false);
    private Thread? loop;
    private long arrivals;
    private int requests;
    private long lightningBytes;
    private long keyValueBytes;
    private volatile bool stopping;

    /// <summary>Requests that run or wait.</summary>
    public int RequestCount => Volatile.Read(ref requests);

    /// <summary>Answers that run.</summary>
    public int RunningCount => scheduler.Running.Count;

    /// <summary>Answers that wait.</summary>
    public int WaitingCount => scheduler.Waiting.Count;

    /// <summary>Times that an answer lost its slot or its states to another.</summary>
    public long Preemptions => scheduler.Preemptions;

    /// <summary>Bytes of the prefix cache.</summary>
    public long CacheByteCount => cache?.Bytes ?? 0;

    /// <summary>Bytes of the lightning states of all answers, as of the last step.</summary>
    public long LightningByteCount => Volatile.Read(ref lightningBytes);

    /// <summary>Bytes of the keys and values of all answers, as of the last step; what answers share counts for each.</summary>
    public long KeyValueByteCount => Volatile.Read(ref keyValueBytes);

    /// <summary>Admits a request; the steps run it. Everything that can be refused is refused here.</summary>
    /// <exception cref="InvalidInputException">As for <see cref="Start"/>, or the number of answers is out of range.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    public RunningRequest Submit(GenerationRequest request)
    {
        ObjectDisposedException.ThrowIf(stopping, this);
        if (request.Count is < 1 or > GenerationRequest.MaxCount)
        {
            throw new InvalidInputException($"n is {request.Count}; it must be from 1 to {GenerationRequest.MaxCount}.");
        }

        var scores = ScoresOf(request);
        var running = new RunningRequest(request, Options.Time) { PromptScores = scores };
        var rules = Enumerable.Range(0, request.Count)
            .Select(choice => Rules(request.Prompt, request.Sampling with { Seed = request.Sampling.Seed + (ulong)choice }, request.StartsInReasoning,
                Constrain(request.Grammar, request.StartsInReasoning, request.GrammarStart)))
            .ToArray();
        running.Seed = rules[0].Seed;
        lock (admission)
        {
            if (requests >= maxRunning + Options.MaxWaiting)
            {
                throw new QueueFullException(Options.MaxWaiting);
            }

            requests++;
            var answers = rules.Select((rule, choice) => new AnswerSequence(running, choice, arrivals, rule)).ToArray();
            arrivals++;
            answers[0].Followers.AddRange(answers[1..]);
            admitted.Add(answers[0]);
            if (loop is null && !Options.ManualSteps)
            {
                loop = new Thread(RunSteps) { IsBackground = true, Name = "engine" };
                loop.Start();
            }
        }

        wakeUp.Set();
        return running;
    }

    /// <summary>
    /// One step: schedule → forward → sample → postprocess. False when there was nothing to run. For an engine with
    /// <see cref="EngineOptions.ManualSteps"/>; otherwise the engine's own thread calls it.
    /// </summary>
    public bool Step()
    {
        lock (StepGate)
        {
            try
            {
                Admit();
                EndStopped();
                scheduler.Schedule(batch);
                MeasureStates();
                if (batch.Rows == 0)
                {
                    return false;
                }

                Loaded.Model.Forward(batch.Chunks);
                SaveStates();
                ScorePrompts();
                Sample();
            }
            catch (Exception failure)
            {
                Fail([.. scheduler.Running, .. scheduler.Waiting], failure); // A step that broke off leaves no state that can be trusted.
            }

            return true;
        }
    }

    /// <summary>Forgets all cached prefixes, for example because the weights have changed.</summary>
    public void ClearPrefixCache()
    {
        lock (StepGate)
        {
            cache?.Clear();
        }
    }

    /// <summary>Cancels what runs, writes the sessions, and frees everything.</summary>
    public void Dispose()
    {
        if (stopping)
        {
            return;
        }

        stopping = true;
        wakeUp.Set();
        loop?.Join();
        Admit();
        foreach (var answer in scheduler.Running.Concat(scheduler.Waiting).ToArray())
        {
            End(answer, FinishReason.Cancelled);
        }

        cache?.Dispose();
        wakeUp.Dispose();
        Loaded.Dispose();
    }

    private static PrefixCache? OpenCache(LoadedModel loaded, EngineOptions options)
    {
        var capacity = options.CacheBytes ?? loaded.StateCapacity / 4;
        if (options.CacheMode == PrefixCacheMode.Off)
        {
            return options.SessionFolder is null
                ? null
                : throw new InvalidInputException("A session folder is of no use without a prefix cache. Switch the cache to exact or fast, or leave the folder out.");
        }

        if (PrefixCache.NeverHits(loaded.Model, capacity) is { } reason)
        {
            return options.CacheBytes is null && options.SessionFolder is null
                ? null
                : throw new InvalidInputException($"This prefix cache could never give anything: {reason}. Give it more memory, or switch it off.");
        }

        var store = options.SessionFolder is { } folder
            ? new SessionStore(folder, ModelFingerprint.Of(loaded.Folder, loaded.Options), loaded.Model, options.SessionBytes)
            : null;
        return new PrefixCache(loaded.Model, options.CacheMode, capacity, store);
    }

    private void RunSteps()
    {
        while (!stopping)
        {
            if (!Step())
            {
                wakeUp.WaitOne();
            }
        }
    }

    private void Admit()
    {
        lock (admission)
        {
            admitted.ForEach(scheduler.Add);
            admitted.Clear();
        }
    }

    private void MeasureStates()
    {
        var lightning = scheduler.StateCount * Loaded.Model.StateBytes(0);
        Volatile.Write(ref lightningBytes, lightning);
        Volatile.Write(ref keyValueBytes, scheduler.StateBytes - lightning);
    }

    /// <summary>Ends what was cancelled or took too long.</summary>
    private void EndStopped()
    {
        CollectStopped(scheduler.Running);
        CollectStopped(scheduler.Waiting);
        foreach (var answer in ended)
        {
            End(answer, answer.Running.EndsNow!.Value);
        }

        ended.Clear();
    }

    private void CollectStopped(IReadOnlyList<AnswerSequence> answers)
    {
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i].Running.EndsNow is not null)
            {
                ended.Add(answers[i]);
            }
        }
    }

    /// <summary>Gives the cache the states at the places where they are worth it, and notes which answers get a token.</summary>
    private void SaveStates()
    {
        sampled.Clear();
        sampledRows.Clear();
        for (var i = 0; i < batch.Answers.Count; i++)
        {
            var answer = batch.Answers[i];
            answer.Running.Started();
            if (answer.SnapshotPositions.Contains(answer.Position) && answer.Position <= answer.PromptLength)
            {
                cache!.Add(answer.Tokens[..answer.Position], answer.State!, PrefixCache.IsLikely(answer.Running.Request, answer.Position));
            }

            if (answer.Position == answer.Count)
            {
                sampled.Add(answer);
                sampledRows.Add(batch.LastRows[i]);
            }
        }
    }

    /// <summary>Draws the next token of every answer whose tokens have all run; as many heads in one product as there is room for.</summary>
    private void Sample()
    {
        var V = Loaded.Config.VocabSize;
        for (var first = 0; first < sampled.Count; first += Loaded.Model.LogitRows)
        {
            var count = Math.Min(Loaded.Model.LogitRows, sampled.Count - first);
            var logits = Loaded.Model.LogitsOf(CollectionsMarshal.AsSpan(sampledRows).Slice(first, count));
            for (var i = 0; i < count; i++)
            {
                var answer = sampled[first + i];
                if (answer.Running.IsComplete)
                {
                    continue; // Another answer of the request has failed.
                }

                try
                {
                    Fork(answer, logits.Slice(i * V, V));
                    Take(answer, logits.Slice(i * V, V));
                }
                catch (Exception failure)
                {
                    Fail([answer], failure);
                }
            }
        }
    }

    /// <summary>The prefill of several answers is done: each takes its first token from the same logits and goes its own way.</summary>
    private void Fork(AnswerSequence leader, Span<float> logits)
    {
        foreach (var follower in leader.Followers)
        {
            scheduler.Fork(leader, follower);
        }

        var followers = leader.Followers.ToArray();
        leader.Followers.Clear();
        foreach (var follower in followers)
        {
            Take(follower, logits);
        }
    }

    private void Take(AnswerSequence answer, Span<float> logits)
    {
        if (answer.Rules.FinishReason is null) // It is set from the start where no token is wanted.
        {
            var reasoning = answer.Rules.InReasoning;
            var token = answer.Rules.Next(logits, out var id);
            answer.Append(id);
            if (token.Id >= 0 || token.Text.Length > 0)
            {
                answer.Running.Add(new GenerationEvent(answer.Choice, token, null), reasoning);
            }
        }

        if (answer.Rules.FinishReason is { } reason)
        {
            if (cache is { Mode: PrefixCacheMode.Fast } && answer.Running.Request.UsePrefixCache && answer.State is not null)
            {
                cache.Add(answer.Tokens[..answer.Position], answer.State, likely: true);
            }

            End(answer, reason);
        }
    }

    private void End(AnswerSequence answer, FinishReason reason)
    {
        answer.Followers.ForEach(follower => End(follower, reason));
        answer.Followers.Clear();
        scheduler.Remove(answer);
        if (answer.Running.End(new GenerationEvent(answer.Choice, new GeneratedToken(-1, answer.Rules.Flush(), null, null), reason)))
        {
            Complete(answer.Running, null);
        }
    }

    /// <summary>Something broke: every answer of the requests ends, the others go on.</summary>
    private void Fail(AnswerSequence[] answers, Exception failure)
    {
        foreach (var running in answers.Select(answer => answer.Running).Distinct().ToArray())
        {
            foreach (var answer in scheduler.Running.Concat(scheduler.Waiting).Where(answer => answer.Running == running).ToArray())
            {
                scheduler.Remove(answer);
            }

            Complete(running, failure);
        }
    }

    private void Complete(RunningRequest running, Exception? failure)
    {
        if (running.IsComplete)
        {
            return;
        }

        lock (admission)
        {
            requests--;
        }

        running.Complete(failure);
    }
}
