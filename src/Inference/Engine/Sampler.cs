using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MiniMaxSharp.Inference;

/// <summary>A token and its log-probability.</summary>
public readonly record struct TokenLogProb(int Id, double LogProb);

/// <summary>The token that was drawn.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProb">Its log-probability in the model's own distribution; null when no rule asks for it.</param>
/// <param name="TopLogProbs">The most likely tokens, best first; null when not asked for.</param>
public readonly record struct SampledToken(int Id, double? LogProb, IReadOnlyList<TokenLogProb>? TopLogProbs);

/// <summary>
/// Draws the tokens of one sequence (V vocabulary size = number of logits).
/// Order, as in vLLM: mask of a grammar, logit bias, ban of end tokens before <c>min_tokens</c>, repetition, frequency and presence penalty, temperature, min-p, top-k, top-p, draw.
/// Equal logits rank by id, lowest first. One random number is used per drawn token, none in greedy mode.
/// Log-probabilities are those of the raw logits over all V ids: before bias, penalties and temperature.
/// The same seed and logits give the same tokens on every machine. Not for concurrent calls.
/// </summary>
public sealed partial class Sampler
{
    private readonly SamplingParams parameters;
    private readonly SamplingRandom random;
    private readonly int vocabularySize;
    private readonly int usableVocabulary;
    private readonly bool penalises;
    private readonly KeyValuePair<int, float>[] bias;
    private readonly int[] endIds;
    private readonly Dictionary<int, int> generatedCounts = []; // Ids of the prompt stand here with count 0.
    private readonly List<(int Id, float Logit)> changed = [];
    private readonly float[] blockMaxima;
    private readonly double[] blockSums;
    private float[] unmasked = []; // The logits before a mask was laid over them.

    /// <summary>Makes the sampler of one sequence.</summary>
    /// <param name="parameters">How to draw; checked here.</param>
    /// <param name="vocabularySize">V, the number of logits.</param>
    /// <param name="usableVocabulary">Ids from here on have no token and are never drawn.</param>
    /// <param name="promptIds">The prompt, for the repetition penalty.</param>
    /// <param name="endIds">The model's own end tokens, which <c>min_tokens</c> bans.</param>
    /// <exception cref="InvalidInputException">A parameter is out of range.</exception>
    public Sampler(SamplingParams parameters, int vocabularySize, int usableVocabulary, ReadOnlySpan<int> promptIds = default, IReadOnlyList<int>? endIds = null)
    {
        parameters.Validate();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(usableVocabulary);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(usableVocabulary, vocabularySize);
        this.parameters = parameters;
        this.vocabularySize = vocabularySize;
        this.usableVocabulary = usableVocabulary;
        Seed = parameters.Seed ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        random = new SamplingRandom(Seed);
        bias = [.. parameters.LogitBias ?? new Dictionary<int, float>()];
        this.endIds = [.. (endIds ?? []).Concat(parameters.StopTokenIds).Distinct().Where(id => id < vocabularySize)];
        penalises = parameters is not { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 };
        var blocks = (usableVocabulary + BlockSize - 1) / BlockSize;
        blockMaxima = new float[blocks];
        blockSums = new double[blocks];
        foreach (var (id, _) in bias)
        {
            RequireId(id, "logit_bias");
        }

        foreach (var id in promptIds)
        {
            RequireId(id, "the prompt");
            if (penalises)
            {
                generatedCounts[id] = 0;
            }
        }
    }

    /// <summary>The seed of the draws, the given one or the system's.</summary>
    public ulong Seed { get; }

    /// <summary>Tokens that were drawn or accepted.</summary>
    public int GeneratedCount { get; private set; }

    /// <summary>Draws the next token.</summary>
    /// <param name="logits">V logits; the same after the call as before.</param>
    /// <param name="mask">One bit for each id that has a token, set where it may be drawn (bit i % 32 of word i / 32); empty allows all.</param>
    /// <exception cref="InvalidOperationException">The logits hold NaN or +infinity, or no token is allowed.</exception>
    public SampledToken Sample(Span<float> logits, ReadOnlySpan<uint> mask = default)
    {
        RequireLength(logits);
        if (!mask.IsEmpty && mask.Length != (usableVocabulary + 31) / 32)
        {
            throw new ArgumentException($"The mask has {mask.Length} words, but {usableVocabulary} ids need {(usableVocabulary + 31) / 32}.", nameof(mask));
        }

        var raw = Measure(logits);
        var id = -1;
        try
        {
            LayMask(logits, mask);
            Change(logits);
            var usable = logits[..usableVocabulary];
            var isRaw = changed.Count == 0 && mask.IsEmpty;
            var max = isRaw ? raw.UsableMax : FindMaxima(usable);
            if (float.IsNegativeInfinity(max))
            {
                throw new InvalidOperationException("No token can be drawn: every logit is -infinity after grammar, bias and min_tokens.");
            }

            var sumsAreKnown = isRaw && raw.SumsFitTemperatureOne && parameters.Temperature == 1;
            id = parameters.IsGreedy ? FindBest(usable, max) : Draw(usable, max, sumsAreKnown);
        }
        finally
        {
            Restore(logits);
            if (!mask.IsEmpty)
            {
                unmasked.CopyTo(logits);
            }
        }

        return Finish(logits, id, raw.LogSumExp);
    }

    /// <summary>Takes a token that was not drawn, such as one that a thinking budget forces.</summary>
    /// <param name="id">The token.</param>
    /// <param name="logits">V logits at its place.</param>
    public SampledToken Accept(int id, ReadOnlySpan<float> logits)
    {
        RequireId(id, "a forced token");
        RequireLength(logits);
        return Finish(logits, id, Measure(logits).LogSumExp);
    }

    private SampledToken Finish(ReadOnlySpan<float> logits, int id, double logSumExp)
    {
        GeneratedCount++;
        if (penalises)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(generatedCounts, id, out _)++;
        }

        double? logProb = parameters.NeedsLogProb ? logits[id] - logSumExp : null;
        return new SampledToken(id, logProb, parameters.TopLogProbs > 0 ? FindTop(logits, logSumExp) : null);
    }

    /// <summary>Checks the raw logits, and measures them where a log-probability is asked for.</summary>
    private (float UsableMax, double LogSumExp, bool SumsFitTemperatureOne) Measure(ReadOnlySpan<float> logits)
    {
        var usable = logits[..usableVocabulary];
        var rest = logits[usableVocabulary..];
        var usableMax = FindMaxima(usable);
        var max = rest.IsEmpty ? usableMax : Math.Max(usableMax, Max(rest));
        if (!(max < float.PositiveInfinity))
        {
            var at = logits.IndexOfAnyExceptInRange(float.NegativeInfinity, float.MaxValue);
            throw new InvalidOperationException(
                $"The logit of token {at} is {(float.IsNaN(logits[at]) ? "NaN" : "+infinity")}: the forward pass is broken, or the weights are.");
        }

        if (!parameters.NeedsLogProb)
        {
            return (usableMax, double.NaN, false);
        }

        var sum = SumBlocks(usable, max, 1) + SamplingExp.Sum(rest, max, 1);
        return (usableMax, max + Math.Log(sum), max == usableMax);
    }

    /// <summary>Takes the tokens outside the mask away, in place; all logits are kept aside.</summary>
    private void LayMask(Span<float> logits, ReadOnlySpan<uint> mask)
    {
        if (mask.IsEmpty)
        {
            return;
        }

        if (unmasked.Length == 0)
        {
            unmasked = new float[usableVocabulary];
        }

        logits[..usableVocabulary].CopyTo(unmasked);
        for (var word = 0; word < mask.Length; word++)
        {
            var group = logits[(word * 32)..Math.Min((word + 1) * 32, usableVocabulary)];
            if (mask[word] == 0)
            {
                group.Fill(float.NegativeInfinity);
                continue;
            }

            for (var i = 0; i < group.Length; i++)
            {
                group[i] = ((mask[word] >> i) & 1) != 0 ? group[i] : float.NegativeInfinity;
            }
        }
    }

    /// <summary>Bias, ban and penalties, in place; what was there before is noted.</summary>
    private void Change(Span<float> logits)
    {
        foreach (var (id, value) in bias)
        {
            changed.Add((id, logits[id]));
            logits[id] += value;
        }

        foreach (var id in GeneratedCount < parameters.MinTokens ? endIds : [])
        {
            changed.Add((id, logits[id]));
            logits[id] = float.NegativeInfinity;
        }

        if (penalises)
        {
            foreach (var (id, count) in generatedCounts)
            {
                changed.Add((id, logits[id]));
                logits[id] = Penalise(logits[id], count, parameters);
            }
        }
    }

    /// <summary>The logit of a token that stands in the prompt or was generated <paramref name="count"/> times.</summary>
    private static float Penalise(float logit, int count, SamplingParams parameters)
    {
        var scaled = logit > 0 ? logit / parameters.RepetitionPenalty : logit * parameters.RepetitionPenalty;
        return (float)(scaled - (parameters.FrequencyPenalty * count) - (count > 0 ? parameters.PresencePenalty : 0));
    }

    private void Restore(Span<float> logits)
    {
        for (var i = changed.Count - 1; i >= 0; i--)
        {
            logits[changed[i].Id] = changed[i].Logit;
        }

        changed.Clear();
    }

    /// <summary>The likeliest tokens of the raw distribution, best first; only ids that have a token.</summary>
    private TokenLogProb[] FindTop(ReadOnlySpan<float> logits, double logSumExp)
    {
        var usable = logits[..usableVocabulary];
        var wanted = Math.Min(parameters.TopLogProbs, usable.Length);
        FindMaxima(usable);
        var ids = ArrayPool<int>.Shared.Rent(usable.Length);
        var values = ArrayPool<float>.Shared.Rent(usable.Length);
        var candidates = Collect(usable, CountThreshold(wanted), ids, values);
        candidates.KeepCount(wanted);
        var top = new TokenLogProb[candidates.Count];
        for (var i = 0; i < top.Length; i++)
        {
            top[i] = new TokenLogProb(candidates.Ids[i], candidates.Logits[i] - logSumExp);
        }

        ArrayPool<int>.Shared.Return(ids);
        ArrayPool<float>.Shared.Return(values);
        Array.Sort(top, static (a, b) => a.LogProb != b.LogProb ? b.LogProb.CompareTo(a.LogProb) : a.Id.CompareTo(b.Id));
        return top;
    }

    private void RequireLength(ReadOnlySpan<float> logits)
    {
        if (logits.Length != vocabularySize)
        {
            throw new ArgumentException($"There are {logits.Length} logits, but the vocabulary has {vocabularySize} ids.", nameof(logits));
        }
    }

    private void RequireId(int id, string where)
    {
        if ((uint)id >= (uint)vocabularySize)
        {
            throw new InvalidInputException($"Token id {id} of {where} is not in the vocabulary; ids go from 0 to {vocabularySize - 1}.");
        }
    }
}
