using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Statistics of one source before a run.</summary>
/// <param name="Name">Name of the source.</param>
/// <param name="Share">Its share of the draws.</param>
/// <param name="Records">Records in its files.</param>
/// <param name="Sampled">Records that were read for the figures that follow.</param>
/// <param name="Tokens">Mean tokens of a record.</param>
/// <param name="LossShare">Share of the tokens that count in the loss.</param>
/// <param name="LongTokens">95th percentile of the tokens of a record.</param>
/// <param name="OverLength">Share of the records that are longer than the longest sequence.</param>
internal sealed record DataSurvey(string Name, double Share, long Records, int Sampled, double Tokens, double LossShare, int LongTokens, double OverLength)
{
    private const int SampleSize = 500;

    /// <summary>Looks at the first records that the mixture would draw of each source.</summary>
    /// <exception cref="InvalidInputException">A record is malformed.</exception>
    public static IEnumerable<DataSurvey> Of(IReadOnlyList<DataSource> sources, DocumentReader reader, int length)
    {
        foreach (var source in sources)
        {
            using var mixture = new DataMixture([source], seed: 0);
            var documents = Enumerable.Range(0, (int)Math.Min(SampleSize, mixture.Counts[0])).Select(_ => reader.Read(mixture.Next())).ToList();
            var sizes = documents.Select(static document => document.Ids.Length).Order().ToList();
            yield return new DataSurvey(
                source.Name,
                source.Weight / sources.Sum(static other => other.Weight),
                mixture.Counts[0],
                documents.Count,
                sizes.Average(),
                documents.Sum(static document => document.LossMask.Count(static counts => counts)) / (double)sizes.Sum(),
                sizes[(sizes.Count - 1) * 95 / 100],
                sizes.Count(size => size > length) / (double)sizes.Count);
        }
    }

    /// <summary>The figures as JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["share"] = Share,
        ["records"] = Records,
        ["sampled"] = Sampled,
        ["tokens_mean"] = Tokens,
        ["tokens_p95"] = LongTokens,
        ["loss_share"] = LossShare,
        ["over_length_share"] = OverLength,
    };

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}: {Share:P0} of the draws, {Records:N0} records of {Tokens:0.#} tokens (95 % below {LongTokens + 1:N0}, {OverLength:P1} longer than a sequence), {LossShare:P0} of the tokens count; sample of {Sampled:N0}");
}
