using System.Diagnostics;
using System.Diagnostics.Metrics;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>
/// Traces and metrics under the name <see cref="Name"/>, with the words of the OpenTelemetry conventions for generative AI where they have one.
/// Never holds a prompt or an answer.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "MiniMaxSharp";

    private static readonly ActivitySource source = new(Name);

    private readonly Meter meter = new(Name);
    private readonly Histogram<double> duration;
    private readonly Histogram<double> timeToFirstToken;
    private readonly Histogram<double> timePerOutputToken;
    private readonly Histogram<double> queueTime;
    private readonly Counter<long> tokens;
    private readonly Counter<long> rejected;
    private readonly Counter<long> cacheRequests;

    public Telemetry(Func<int> running, InferenceEngine? engine)
    {
        Text = new PrometheusText(Name);
        duration = Seconds("gen_ai.server.request.duration", "Time of a request, from admission to its last token.", [0.01, 0.04, 0.16, 0.64, 2.56, 10.24, 40.96, 163.84]);
        timeToFirstToken = Seconds(
            "gen_ai.server.time_to_first_token", "Time from admission to the first token.", [0.001, 0.005, 0.02, 0.08, 0.25, 0.75, 2.5, 7.5, 30, 120]);
        timePerOutputToken = Seconds(
            "gen_ai.server.time_per_output_token", "Mean time of a token after the first.", [0.001, 0.0025, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]);
        queueTime = Seconds("minimax.request.queue_time", "Time from admission to the first step.", [0.001, 0.01, 0.1, 1, 10, 100]);
        tokens = meter.CreateCounter<long>("gen_ai.server.token.usage", "{token}", "Tokens by kind: input, cached, output, reasoning.");
        rejected = meter.CreateCounter<long>("minimax.requests.failed", "{request}", "Requests that were answered with an error.");
        cacheRequests = meter.CreateCounter<long>("minimax.cache.requests", "{request}", "Requests by what the prefix cache gave: hit, partial, or the word of the reason why nothing.");
        meter.CreateObservableGauge("minimax.requests.running", running, "{request}", "Generations that were admitted and have not ended.");
        if (engine is not null)
        {
            Observe(engine);
        }
    }

    /// <summary>The metrics for Prometheus.</summary>
    public PrometheusText Text { get; }

    /// <summary>Starts the trace of one generation; null when nobody listens.</summary>
    public static Activity? Start(string operation, string model)
    {
        var activity = source.StartActivity($"{operation} {model}", ActivityKind.Internal); // The request is the server's span.
        activity?.SetTag("gen_ai.operation.name", operation).SetTag("gen_ai.provider.name", "minimax").SetTag("gen_ai.request.model", model);
        return activity;
    }

    /// <summary>A generation has ended.</summary>
    /// <param name="operation">What was asked for.</param>
    /// <param name="model">The model.</param>
    /// <param name="error">What went wrong; null when nothing did.</param>
    /// <param name="usage">Tokens.</param>
    /// <param name="total">Time from admission.</param>
    /// <param name="first">Time to the first token; null when there was none.</param>
    /// <param name="queued">Time in the queue.</param>
    public void Ended(string operation, string model, string? error, TokenUsage usage, TimeSpan total, TimeSpan? first, TimeSpan queued)
    {
        var tags = new TagList { { "gen_ai.operation.name", operation }, { "gen_ai.request.model", model } };
        queueTime.Record(queued.TotalSeconds, tags);
        if (first is { } time)
        {
            timeToFirstToken.Record(time.TotalSeconds, tags);
            if (usage.Completion > 1)
            {
                timePerOutputToken.Record((total - time).TotalSeconds / (usage.Completion - 1), tags);
            }
        }

        AddTokens("input", usage.Prompt);
        AddTokens("cached", usage.Cached);
        AddTokens("output", usage.Completion);
        AddTokens("reasoning", usage.Reasoning);
        if (error is not null)
        {
            tags.Add("error.type", error);
        }

        duration.Record(total.TotalSeconds, tags);

        void AddTokens(string kind, int count) =>
            tokens.Add(count, new KeyValuePair<string, object?>("gen_ai.request.model", model), new KeyValuePair<string, object?>("gen_ai.token.type", kind));
    }

    /// <summary>The prefix cache was asked, or was not.</summary>
    /// <param name="cachedTokens">What it gave.</param>
    /// <param name="missReason">Why not more; null when it could not be more.</param>
    public void Reused(int cachedTokens, string? missReason)
    {
        var result = missReason is null ? "hit" : cachedTokens > 0 ? "partial" : missReason.Split(':')[0];
        cacheRequests.Add(1, new KeyValuePair<string, object?>("result", result));
    }

    /// <summary>A request was answered with an error.</summary>
    public void Rejected(string reason) => rejected.Add(1, new KeyValuePair<string, object?>("error.type", reason));

    /// <inheritdoc/>
    public void Dispose()
    {
        Text.Dispose();
        meter.Dispose();
    }

    private void Observe(InferenceEngine engine)
    {
        meter.CreateObservableGauge("minimax.engine.answers", () => new[] { By("state", "running", engine.RunningCount), By("state", "waiting", engine.WaitingCount) }, "{answer}", "Answers of the engine.");
        meter.CreateObservableGauge(
            "minimax.engine.memory",
            () => new[] { By("kind", "lightning", engine.LightningByteCount), By("kind", "key_value", engine.KeyValueByteCount), By("kind", "prefix_cache", engine.CacheByteCount) },
            "By",
            "States of the answers, and of cached prompts.");
        meter.CreateObservableCounter("minimax.engine.preemptions", () => engine.Preemptions, "{answer}", "Answers that lost their slot or their states to another.");
        var experts = engine.Loaded.Model.ExpertTokens;
        meter.CreateObservableCounter(
            "minimax.expert.tokens", () => experts.Select((tokens, expert) => By("expert", expert, tokens)), "{token}", "Tokens that each expert worked on, all layers together.");
    }

    private static Measurement<long> By(string tag, object value, long count) => new(count, new KeyValuePair<string, object?>(tag, value));

    private Histogram<double> Seconds(string name, string description, double[] bounds) =>
        meter.CreateHistogram(name, "s", description, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
}
