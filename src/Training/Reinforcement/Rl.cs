using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using static System.FormattableString;

namespace MiniMaxSharp.Training;

/// <summary>What a reinforcement run came to.</summary>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="GeneratedTokens">Tokens that were drawn for training, those of dropped groups too.</param>
/// <param name="StartAccuracy">Greedy accuracy on held-out prompts before the first step; null without evaluation.</param>
/// <param name="FinalAccuracy">The same after the last evaluation.</param>
/// <param name="Checkpoint">Folder of the last checkpoint.</param>
/// <param name="Elapsed">Time of this process.</param>
public sealed record RlResult(long Steps, long GeneratedTokens, double? StartAccuracy, double? FinalAccuracy, string Checkpoint, TimeSpan Elapsed);

/// <summary>
/// The loop of reinforcement learning (report 3): draw groups of answers, judge them, turn rewards into advantages, and make some optimiser steps on them.
/// Engine and trainer share a process, so the policy that draws is exactly the one that learns. With a staleness above 0, later batches are drawn while
/// this one is learnt from.
/// </summary>
public sealed class Rl : IDisposable
{
    private const string EndOfTurn = "<end_of_sentence>";

    private readonly RlRun run;
    private readonly RunFolder folder;
    private readonly MiniMaxM1Module module;
    private readonly Tokenizer tokenizer;
    private readonly CheckpointFiles files;
    private readonly RlPromptSource source;
    private readonly PolicyObjective objective;
    private readonly AdamW optimizer;
    private readonly RolloutEngine engine;
    private readonly RolloutCollector collector;
    private readonly OutputWindow window;
    private readonly RunLog log;
    private readonly RolloutFile rollouts;
    private readonly RlPrompt[] evaluation;
    private readonly Lock weightGate = new(); // Held while weights change or are copied.
    private readonly Lock engineGate = new(); // Held while the engine draws.
    private readonly Queue<Task<RolloutBatch>> pending = new();
    private readonly CancellationTokenSource stop = new();
    private Task<RolloutBatch>? lastGeneration;
    private long generations;
    private long step;
    private long generatedTokens;
    private double? startAccuracy;
    private double? finalAccuracy;
    private string checkpointFolder = "";

    private Rl(RlRun run, RunFolder folder, TrainingCheckpoint? checkpoint, Func<Tokenizer, RlPromptSource> prompts)
    {
        (this.run, this.folder, objective) = (run, folder, run.Objective());
        var model = checkpoint?.Folder ?? run.Model;
        tokenizer = Tokenizer.Load(model);
        files = CheckpointFiles.Of(model, run.ToJson());
        module = checkpoint?.LoadModule(run.ModuleOptions) ?? MiniMaxM1Module.Load(model, run.ModuleOptions);
        optimizer = new AdamW(module, run.Optimizer);
        window = new OutputWindow(run.Windows);
        source = prompts(tokenizer);
        if (checkpoint is not null)
        {
            Restore(checkpoint);
        }

        engine = new RolloutEngine(module.Config, new RolloutOptions
        {
            Threads = run.Threads,
            MaxRunning = run.MaxRunning,
            EndIds = [tokenizer.TryGetSpecial(EndOfTurn, out var end) ? end : throw new InvalidInputException($"{model}: the tokenizer has no token {EndOfTurn}, which ends an answer.")],
            UsableVocabulary = Math.Min(tokenizer.VocabularySize, module.Config.VocabSize),
            RepetitionStopCount = run.RepetitionStopCount,
            Weights = run.RolloutWeights,
            Head = run.RolloutHead,
            RecordRoutes = run.RouterReplay,
        });
        collector = new RolloutCollector(run, engine, tokenizer, source);
        evaluation = run.EvaluateEvery > 0 ? [.. Enumerable.Range(0, run.EvaluationPrompts).Select(source.Evaluation)] : [];
        log = new RunLog(folder.Path, step);
        rollouts = new RolloutFile(folder.Path, step);
    }

    /// <summary>Trains to the end of the recipe on its tasks.</summary>
    /// <param name="run">The recipe.</param>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="resume">True goes on from the last checkpoint there, or from the beginning when there is none.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="note">Receives sentences for people.</param>
    /// <param name="cancellationToken">Stops the run; a checkpoint is written first.</param>
    /// <exception cref="InvalidInputException">The recipe or the model is unusable.</exception>
    public static RlResult Run(
        RlRun run, string runFolder, bool resume = false, IProgress<TrainingProgress>? progress = null, Action<string>? note = null, CancellationToken cancellationToken = default) =>
        Run(run, runFolder, _ => new TaskPrompts(run).Source(), resume, progress, note, cancellationToken);

    /// <summary>The same on prompts of one's own.</summary>
    public static RlResult Run(
        RlRun run, string runFolder, Func<Tokenizer, RlPromptSource> prompts, bool resume = false, IProgress<TrainingProgress>? progress = null, Action<string>? note = null,
        CancellationToken cancellationToken = default)
    {
        run.Validate();
        using var folder = RunFolder.Open(runFolder, resume);
        folder.WriteRecipe(run.ToJson());
        using var rl = new Rl(run, folder, resume ? TrainingCheckpoint.Latest(runFolder, note) : null, prompts);
        note?.Invoke(rl.objective.Describe());
        note?.Invoke(Invariant($"{rl.module.ParameterCount:N0} weights; {run.Steps:N0} steps of {run.PromptsPerStep} prompts with {run.GroupSize} answers and up to {run.UpdatesPerStep} updates; {(rl.step > 0 ? $"going on from step {rl.step}" : "from the beginning")}."));
        return rl.Run(progress, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stop.Cancel();
        Task.WhenAny(Task.WhenAll(pending)).GetAwaiter().GetResult(); // What they end with no longer matters.
        stop.Dispose();
        rollouts.Dispose();
        log.Dispose();
        engine.Dispose();
        optimizer.Dispose();
        module.Dispose();
    }

    private RlResult Run(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        using var cancelled = cancellationToken.Register(stop.Cancel);
        var (started, first) = (Stopwatch.GetTimestamp(), step);
        if (step == 0 && evaluation.Length > 0)
        {
            var metrics = Evaluate();
            startAccuracy = finalAccuracy;
            log.Log(0, metrics);
        }

        while (step < run.Steps)
        {
            var stepStarted = Stopwatch.GetTimestamp();
            var batch = Next();
            var (metrics, learnt) = Learn(batch, stepStarted);
            rollouts.Append(learnt);
            if (evaluation.Length > 0 && (step % run.EvaluateEvery == 0 || step == run.Steps))
            {
                foreach (var (name, value) in Evaluate())
                {
                    metrics[name] = value;
                }
            }

            log.Log(step, metrics);
            var left = Stopwatch.GetElapsedTime(started) / (step - first) * (run.Steps - step);
            progress?.Report(new TrainingProgress(step, run.Steps, metrics["loss"], metrics["tokens_per_second"], left, metrics));
            if (step % run.SaveEvery == 0 || step == run.Steps || stop.IsCancellationRequested)
            {
                Save();
            }

            if (step < run.Steps)
            {
                stop.Token.ThrowIfCancellationRequested();
            }
        }

        return new RlResult(step, generatedTokens, startAccuracy, finalAccuracy, checkpointFolder, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>The batch of the next step. Batches are drawn one after another, each with the newest weights, at most so many ahead as the staleness allows.</summary>
    private RolloutBatch Next()
    {
        generations = Math.Max(generations, step);
        while (pending.Count <= run.MaxStaleness && generations < run.Steps)
        {
            var (number, before) = (++generations, lastGeneration);
            lastGeneration = Task.Run(async () =>
            {
                if (before is not null)
                {
                    await before.ConfigureAwait(false);
                }

                lock (engineGate)
                {
                    LoadWeights();
                    return collector.Collect(number, window.Tokens, stop.Token);
                }
            });
            pending.Enqueue(lastGeneration);
        }

        try
        {
            return pending.Dequeue().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            Save(); // The weights are still those of the last step.
            throw;
        }
    }

    /// <summary>The optimiser steps on a batch, what there is to say about it, and its roll-outs with what the trainer knows of them.</summary>
    private (Dictionary<string, double> Metrics, IReadOnlyList<Rollout> Rollouts) Learn(RolloutBatch batch, long stepStarted)
    {
        var trainingStarted = Stopwatch.GetTimestamp();
        var metrics = RlMetrics.Of(batch);
        metrics["staleness"] = optimizer.StepCount - batch.PolicyVersion;
        var answers = WithAdvantages(batch);
        var samples = answers.Where(rollout => !run.MaskTruncated || rollout.StopReason != StopReasons.Length).Select(Sample).ToArray();
        var update = new PolicyUpdate(module, objective, run.MicroBatchTokens);
        var (statistics, agreement, trained) = (new PolicyStatistics(), new ProbabilityAgreement(), new Dictionary<(int Group, int Sample), float[]>());
        var (loss, norm, updates) = (0.0, 0.0, 0);
        if (objective.Anchor == RatioAnchor.Recomputed)
        {
            samples = [.. samples.Zip(update.Logprobs(samples), static (sample, logprobs) => sample with { OldLogprobs = logprobs })];
        }

        foreach (var part in MiniBatches(samples))
        {
            optimizer.ZeroGrad();
            // Before the first update the trainer's weights are those that drew the answers, but for the staleness.
            Action<int, float[]>? compare = updates > 0 ? null : (i, logprobs) =>
            {
                trained[(part[i].Group, part[i].Number)] = logprobs;
                agreement.Add(part[i].RolloutLogprobs, logprobs, part[i].LossMask);
            };
            loss += update.Backward(part, statistics, compare);
            metrics["lr"] = run.Schedule.At(optimizer.StepCount);
            lock (weightGate)
            {
                norm += optimizer.Step(metrics["lr"]);
            }

            updates++;
        }

        step = batch.Step;
        generatedTokens += batch.GeneratedTokens;
        window.Observe([.. batch.Rollouts.Select(static rollout => rollout.Tokens.Length)], RlMetrics.MeanLogprob(batch));
        collector.Observe(batch);
        (metrics["loss"], metrics["grad_norm"], metrics["updates"]) = (loss / Math.Max(1, updates), norm / Math.Max(1, updates), updates);
        (metrics["window/perplexity_change"], metrics["window/length_share"]) = (window.PerplexityChange, window.LengthShare);
        statistics.Report(metrics);
        agreement.Report(metrics);
        ReportTimes(metrics, batch, Stopwatch.GetElapsedTime(trainingStarted), Stopwatch.GetElapsedTime(stepStarted));
        var learnt = answers.ToDictionary(static rollout => (rollout.Group, rollout.Sample));
        return (metrics, [.. batch.Rollouts.Select(rollout => learnt.GetValueOrDefault((rollout.Group, rollout.Sample), rollout) with
        {
            TrainLogprobs = trained.GetValueOrDefault((rollout.Group, rollout.Sample)),
        })]);
    }

    private void ReportTimes(Dictionary<string, double> metrics, RolloutBatch batch, TimeSpan training, TimeSpan whole)
    {
        var busy = (batch.RolloutTime + batch.RewardTime + training).TotalSeconds;
        metrics["tokens"] = generatedTokens;
        metrics["tokens_per_second"] = batch.GeneratedTokens / whole.TotalSeconds;
        metrics["rollout_tokens_per_second"] = batch.GeneratedTokens / batch.RolloutTime.TotalSeconds;
        metrics["time/step"] = whole.TotalSeconds;
        metrics["time/rollout_share"] = batch.RolloutTime.TotalSeconds / busy;
        metrics["time/reward_share"] = batch.RewardTime.TotalSeconds / busy;
        metrics["time/train_share"] = training.TotalSeconds / busy;
    }

    /// <summary>The answers to learn from, group by group, with their advantages.</summary>
    private Rollout[] WithAdvantages(RolloutBatch batch)
    {
        var advantages = Advantages.Of([.. batch.Groups.Select(static group => group.Rewards)], objective.Scale);
        return [.. batch.Groups.Zip(advantages).SelectMany(static pair =>
            pair.First.Judged.Zip(pair.Second, static (rollout, advantage) => rollout with { Advantage = advantage }))];
    }

    private static PolicySample Sample(Rollout rollout) => new()
    {
        Tokens = [.. rollout.PromptTokens!, .. rollout.Tokens],
        PromptLength = rollout.PromptTokens!.Length,
        OldLogprobs = rollout.Logprobs,
        RolloutLogprobs = rollout.Logprobs,
        LossMask = rollout.LossMask,
        Advantage = rollout.Advantage!.Value,
        Routes = rollout.Routes,
        Group = rollout.Group,
        Number = rollout.Sample,
    };

    /// <summary>Whole groups, in an order that depends on seed and step, dealt to the optimiser steps; no more steps than groups.</summary>
    private IEnumerable<PolicySample[]> MiniBatches(PolicySample[] samples)
    {
        var groups = samples.GroupBy(static sample => sample.Group).OrderBy(group => RolloutSeed.Of(run.Seed, 5, step, group.Key)).ToArray();
        var count = Math.Min(run.UpdatesPerStep, groups.Length);
        return Enumerable.Range(0, count).Select(i => groups[(i * groups.Length / count)..((i + 1) * groups.Length / count)].SelectMany(static group => group).ToArray());
    }

    private Dictionary<string, double> Evaluate()
    {
        lock (engineGate)
        {
            LoadWeights();
            var tokens = run.Windows[^1];
            RolloutGroup[] Groups(int samples, double temperature) => collector.Evaluate(evaluation, step, samples, temperature, tokens, stop.Token);
            var metrics = RlMetrics.Evaluation(Groups(1, 0), run.EvaluationSamples > 0 ? Groups(run.EvaluationSamples, 1) : []);
            finalAccuracy = metrics["eval/greedy"];
            return metrics;
        }
    }

    private void LoadWeights()
    {
        lock (weightGate)
        {
            engine.Load(module, optimizer.StepCount);
        }
    }

    private void Save()
    {
        var state = new JsonObject
        {
            ["generated_tokens"] = generatedTokens,
            ["window"] = window.Save(),
            ["start_accuracy"] = startAccuracy,
            ["final_accuracy"] = finalAccuracy,
            ["prompts"] = source.Save?.Invoke(),
        };
        checkpointFolder = TrainingCheckpoint.Save(folder.Path, step, module, optimizer, state, files, run.KeepCheckpoints);
    }

    private void Restore(TrainingCheckpoint checkpoint)
    {
        checkpoint.Restore(optimizer);
        (step, checkpointFolder) = (checkpoint.Step, checkpoint.Folder);
        generatedTokens = (long)checkpoint.State["generated_tokens"]!;
        (startAccuracy, finalAccuracy) = ((double?)checkpoint.State["start_accuracy"], (double?)checkpoint.State["final_accuracy"]);
        window.Restore(checkpoint.State["window"]!.AsObject());
        if (checkpoint.State["prompts"] is JsonObject learnt)
        {
            source.Restore?.Invoke(learnt);
        }
    }
}
