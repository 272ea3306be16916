using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>A source of answers: the local engine (<see cref="InferenceEngine.Generate"/>), an HTTP endpoint, or a cluster behind it.</summary>
/// <param name="prompt">Token ids of the whole prompt.</param>
/// <param name="sampling">How tokens are drawn and when the answer ends.</param>
/// <param name="cancellationToken">Ends it.</param>
public delegate ValueTask<Completion> Generate(ReadOnlyMemory<int> prompt, SamplingParams sampling, CancellationToken cancellationToken);
