using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>What an <see cref="AgreementCheck"/> compares.</summary>
public sealed record AgreementOptions
{
    /// <summary>Least number of tokens that each engine draws.</summary>
    public int Tokens { get; init; } = 10_000;

    /// <summary>Most tokens of an answer.</summary>
    public int AnswerTokens { get; init; } = 256;

    /// <summary>Of prompts and draws.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads; 0 is one per CPU.</summary>
    public int Threads { get; init; }

    /// <summary>Prompts as token ids, taken in turn; none: single tokens from the seed.</summary>
    public IReadOnlyList<int[]> Prompts { get; init; } = [];
}

/// <summary>How one engine agrees with one trainer.</summary>
/// <param name="Engine">What drew the tokens.</param>
/// <param name="Trainer">What computed their probabilities again.</param>
/// <param name="Tokens">Number of tokens.</param>
/// <param name="Correlation">Pearson's, of the token probabilities.</param>
/// <param name="MeanDelta">Mean |Δ log p| in nats.</param>
/// <param name="MaxDelta">Largest |Δ log p|.</param>
public sealed record AgreementRow(string Engine, string Trainer, int Tokens, double Correlation, double MeanDelta, double MaxDelta);

/// <summary>
/// Engine against trainer on one checkpoint: the engine draws tokens at temperature 1 by prefill and decode steps, the trainer computes the log-probabilities of
/// the same tokens in one pass. The report (3.2) found a correlation of 0.987, and 0.997 with an f32 head.
/// </summary>
public static class AgreementCheck
{
    private const string EndOfSentence = "<end_of_sentence>";
    private const int Running = 64;
    private static readonly ModelOptions exact = new() { KeyValueType = KeyValueType.F32, BFloat16Inputs = BFloat16Inputs.Exact, MaxStepTokens = Running + LightningAttention.BlockTokens };

    private static readonly (string Name, DType? Weights, ModelOptions Options)[] engines =
    [
        ("f32", null, exact),
        ("f32, keys and values in f16", null, exact with { KeyValueType = KeyValueType.F16 }),
        ("bf16 weights and inputs, keys and values in f16", DType.BF16, exact with { KeyValueType = KeyValueType.F16, BFloat16Inputs = BFloat16Inputs.Rounded }),
        ("q8_0", DType.Q8_0, exact),
    ];

    /// <summary>Compares all engines with the f32 trainer, and the first also with a trainer whose head is bf16.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="options">What is compared.</param>
    /// <param name="found">Called with each row as it is there.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    /// <exception cref="InvalidInputException">The checkpoint cannot be opened, or a prompt does not fit.</exception>
    public static IReadOnlyList<AgreementRow> Run(string folder, AgreementOptions options, Action<AgreementRow>? found = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Tokens, 1);
        using var module = MiniMaxM1Module.Load(folder, new ModuleOptions { Threads = options.Threads });
        var tokenizer = Tokenizer.Load(folder);
        var rollout = new RolloutOptions
        {
            MaxRunning = Running,
            EndIds = tokenizer.TryGetSpecial(EndOfSentence, out var end) ? [end] : [],
            UsableVocabulary = Math.Min(tokenizer.VocabularySize, module.Config.VocabSize),
        };
        var rows = new List<AgreementRow>();
        foreach (var (name, type, model) in engines)
        {
            var drawn = Draw(folder, type, model with { Threads = options.Threads }, rollout, options, cancellationToken);
            Add(name, "f32", drawn, module.TokenLogprobs);
            if (rows.Count == 1)
            {
                Add(name, "bf16 head", drawn, module.Bf16HeadLogprobs);
            }
        }

        return rows;

        void Add(string engine, string trainer, List<(int[] Prompt, RolloutAnswer Answer)> drawn, Func<Tensor, int[], Tensor> logprobs)
        {
            rows.Add(Compare(engine, trainer, drawn, module, logprobs, cancellationToken));
            found?.Invoke(rows[^1]);
        }
    }

    private static List<(int[] Prompt, RolloutAnswer Answer)> Draw(
        string folder, DType? type, ModelOptions options, RolloutOptions rollout, AgreementOptions check, CancellationToken cancellationToken)
    {
        var scratch = type is null ? null : Directory.CreateTempSubdirectory("minimax-agree-");
        try
        {
            var path = scratch is null ? folder : Store(folder, type!.Value, Path.Combine(scratch.FullName, "model.gguf"));
            using var loaded = LoadedModel.Open(path, options);
            var sampling = new SamplingParams { Temperature = 1, TopP = 1, LogProbs = true };
            var drawn = new List<(int[], RolloutAnswer)>();
            for (var tokens = 0; tokens < check.Tokens;)
            {
                var requests = Enumerable.Range(drawn.Count, Running)
                    .Select(i => new RolloutRequest(Prompt(check, rollout.UsableVocabulary, i), [RolloutSeed.Of(check.Seed, i)])).ToList();
                var answers = requests.Select(static _ => new RolloutAnswer[1]).ToArray();
                var next = -1;
                new RolloutWorker(loaded.Model, rollout, requests, answers, sampling, check.AnswerTokens, 0, () => ++next < requests.Count ? next : null).Run(cancellationToken);
                drawn.AddRange(requests.Zip(answers, static (request, answer) => (request.Prompt, answer[0])));
                tokens += answers.Sum(static answer => answer[0].Tokens.Length);
            }

            return drawn;
        }
        finally
        {
            scratch?.Delete(recursive: true);
        }
    }

    private static int[] Prompt(AgreementOptions check, int vocabulary, int index) => check.Prompts.Count > 0
        ? check.Prompts[index % check.Prompts.Count]
        : [(int)(RolloutSeed.Of(check.Seed, -1, index) % (ulong)vocabulary)];

    /// <summary>The checkpoint as GGUF with all matrices of this type that allow it, but the embedding and the head.</summary>
    private static string Store(string folder, DType type, string path)
    {
        var config = MiniMaxM1Config.Load(folder);
        using var weights = MiniMaxM1Weights.Load(folder, config);
        new GgufExport(config, weights, TypeOf, tokenizer: null, "agree").Write(path);
        return path;

        DType? TypeOf(ManifestTensor tensor) =>
            tensor.Role is TensorRole.Embedding or TensorRole.Head || tensor.Shape[^1] % type.BlockElements() != 0 ? null : type;
    }

    private static AgreementRow Compare(
        string engine, string trainer, List<(int[] Prompt, RolloutAnswer Answer)> drawn, MiniMaxM1Module module, Func<Tensor, int[], Tensor> logprobs,
        CancellationToken cancellationToken)
    {
        using var noGradients = no_grad();
        var agreement = new ProbabilityAgreement();
        double sum = 0, largest = 0;
        foreach (var part in drawn.Chunk(Running))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var documents = PackedDocuments.Of([.. part.Select(static item => (int[])[.. item.Prompt, .. item.Answer.Tokens])]);
            var values = logprobs(module.Forward(documents).Hidden, documents.NextTokens()).Values();
            for (var i = 0; i < part.Length; i++)
            {
                var (prompt, answer) = part[i];
                var own = values.Slice(documents.Boundaries[i] + prompt.Length - 1, answer.Tokens.Length);
                agreement.Add(answer.Logprobs, own);
                for (var t = 0; t < own.Length; t++)
                {
                    var delta = Math.Abs((double)own[t] - answer.Logprobs[t]);
                    (sum, largest) = (sum + delta, Math.Max(largest, delta));
                }
            }
        }

        return new AgreementRow(engine, trainer, agreement.Count, agreement.Correlation, sum / agreement.Count, largest);
    }
}
