using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Engine;

/// <summary>What came of one answer: ids, log-probabilities, text and the reason of its end.</summary>
internal sealed record AnswerRecord(string Ids, string LogProbs, string Text, FinishReason Reason);

/// <summary>An engine on the placeholder model whose steps a test runs itself.</summary>
internal sealed class EngineRun : IDisposable
{
    public EngineRun(EngineOptions? options = null, ModelOptions? model = null) => Engine = InferenceEngine.Open(
        RandomTiny.Folder, model ?? new ModelOptions { Threads = 1 }, (options ?? new EngineOptions()) with { ManualSteps = true });

    public InferenceEngine Engine { get; }

    public static GenerationRequest Request(int[] prompt, int tokens = 6, ulong seed = 1) => new()
    {
        Prompt = prompt,
        Sampling = new SamplingParams { MaxTokens = tokens, Seed = seed, LogProbs = true, IgnoreEos = true },
    };

    /// <summary>Ids that look random but are not.</summary>
    public static int[] Tokens(int count, int seed) => [.. Enumerable.Range(0, count).Select(i => (int)(((uint)(i + 1) * 2654435761u * (uint)((2 * seed) + 1)) >> 16) % 256)];

    public void Dispose() => Engine.Dispose();

    public RunningRequest Submit(GenerationRequest request) => Engine.Submit(request);

    /// <summary>Steps until nothing is left to do; returns their number.</summary>
    public int Drain()
    {
        var steps = 0;
        while (Engine.Step())
        {
            steps++;
        }

        return steps;
    }

    /// <summary>Runs one request alone to its end.</summary>
    public (AnswerRecord Answer, RunningRequest Request) Answer(GenerationRequest request)
    {
        var running = Submit(request);
        Drain();
        return (Answers(running)[0], running);
    }

    /// <summary>The answers of a request that has ended.</summary>
    public static AnswerRecord[] Answers(RunningRequest running) => [.. Events(running).GroupBy(item => item.Choice).OrderBy(group => group.Key).Select(ToRecord)];

    /// <summary>The events so far of a request that has ended.</summary>
    public static List<GenerationEvent> Events(RunningRequest running) => running.Events().ToBlockingEnumerable().ToList();

    private static AnswerRecord ToRecord(IEnumerable<GenerationEvent> events)
    {
        var list = events.ToList();
        return new AnswerRecord(
            string.Join(' ', list.Where(item => item.Token.Id >= 0).Select(item => item.Token.Id)),
            string.Join(' ', list.Where(item => item.Token.LogProb is not null).Select(item => BitConverter.DoubleToInt64Bits(item.Token.LogProb!.Value))),
            string.Concat(list.Select(item => item.Token.Text)),
            Assert.Single(list, item => item.FinishReason is not null).FinishReason!.Value);
    }
}
