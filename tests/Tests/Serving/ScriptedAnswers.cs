using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>
/// A source of answers that says what the test wrote, token by token. A model with random weights neither thinks nor calls tools; with this one the protocols
/// can be tested from request to wire. It keeps the contract of the engine: stop strings, token limit, cancellation, counts.
/// </summary>
internal sealed class ScriptedAnswers
{
    private readonly Tokenizer tokenizer = Tokenizer.Load(RandomTiny.Folder);

    /// <summary>What every answer says.</summary>
    public string Text { get; set; } = "Hello";

    /// <summary>Chooses the answer by the prompt; null says <see cref="Text"/> always.</summary>
    public Func<string, string>? Reply { get; set; }

    public FinishReason Finish { get; set; } = FinishReason.Stop;

    /// <summary>Awaited before the last token.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Thrown instead of the last token.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Thrown instead of admitting.</summary>
    public Exception? Refusal { get; set; }

    public int CachedTokens { get; set; }

    public string? CacheMissReason { get; set; }

    public List<GenerationRequest> Requests { get; } = [];

    /// <summary>Set when a request was cancelled.</summary>
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServedModel Model => new("scripted", tokenizer, 4096, Submit);

    private RunningRequest Submit(GenerationRequest request)
    {
        if (Refusal is not null)
        {
            throw Refusal;
        }

        request.Sampling.Validate();
        Requests.Add(request);
        var running = new RunningRequest(request, TimeProvider.System) { CachedTokens = CachedTokens, CacheMissReason = CacheMissReason };
        _ = Task.Run(() => Play(running));
        return running;
    }

    private async Task Play(RunningRequest running)
    {
        try
        {
            for (var choice = 0; choice < running.Request.Count; choice++)
            {
                await PlayOne(running, choice);
            }

            running.Complete();
        }
        catch (Exception failure)
        {
            running.Complete(failure);
        }
    }

    private async Task PlayOne(RunningRequest running, int choice)
    {
        var (detokenizer, parser, sampling) = (tokenizer.CreateDetokenizer(skipSpecial: true), new ChatStreamParser(), running.Request.Sampling);
        var (stops, released, ids, finish) = (new StopTextMatcher(sampling.Stop), new System.Text.StringBuilder(), tokenizer.Encode(Reply?.Invoke(tokenizer.Decode(running.Request.Prompt.Span)) ?? Text), Finish);
        for (var i = 0; i < ids.Length && stops.Matched is null; i++)
        {
            if (i == ids.Length - 1)
            {
                await Gate.WaitAsync(running.Stopped).ContinueWith(_ => { }, TaskScheduler.Default);
                if (Failure is not null)
                {
                    throw Failure;
                }
            }

            if (running.Stopped.IsCancellationRequested)
            {
                finish = FinishReason.Cancelled;
                Cancelled.TrySetResult();
                break;
            }

            var piece = detokenizer.Push(ids[i]);
            var reasoning = parser.InReasoning;
            parser.Push(piece, []);
            finish = stops.Push(piece, released) ? FinishReason.Stop : finish;
            running.Add(new GenerationEvent(choice, new GeneratedToken(ids[i], released.ToString(), sampling.LogProbs ? -0.5 : null, null), null), reasoning || parser.InReasoning);
            released.Clear();
            if (i + 1 >= sampling.MaxTokens)
            {
                finish = FinishReason.Length;
                break;
            }
        }

        stops.Push(detokenizer.Flush(), released);
        stops.Finish(released);
        running.Add(new GenerationEvent(choice, new GeneratedToken(-1, released.ToString(), null, null), finish), reasoning: false);
    }
}
