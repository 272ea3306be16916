namespace MiniMaxSharp.Training;

/// <summary>The tokens of one forward pass.</summary>
/// <param name="Documents">N tokens.</param>
/// <param name="Targets">The next token of each that counts in the loss, −1 elsewhere; [N].</param>
public sealed record TrainingBatch(PackedDocuments Documents, int[] Targets)
{
    /// <summary>Tokens that count in the loss.</summary>
    public int LossTokens { get; } = Targets.Count(static id => id >= 0);

    /// <summary>Packs documents of which each token with a true mask is to be predicted.</summary>
    internal static TrainingBatch Of(IReadOnlyList<TrainingDocument> documents)
    {
        var packed = PackedDocuments.Of([.. documents.Select(static document => document.Ids)]);
        var targets = packed.NextTokens();
        var mask = documents.SelectMany(static document => document.LossMask).ToArray();
        for (var i = 0; i < targets.Length; i++)
        {
            targets[i] = i + 1 < mask.Length && mask[i + 1] ? targets[i] : -1;
        }

        return new TrainingBatch(packed, targets);
    }
}

/// <summary>Tokens of a document, or of a part of one.</summary>
/// <param name="Ids">Token ids.</param>
/// <param name="LossMask">True for each id that counts in the loss.</param>
internal sealed record TrainingDocument(int[] Ids, bool[] LossMask)
{
    /// <summary>Tokens from <paramref name="start"/> on, at most <paramref name="count"/>.</summary>
    public TrainingDocument Part(int start, int count)
    {
        var end = Math.Min(Ids.Length, start + count);
        return start == 0 && end == Ids.Length ? this : new TrainingDocument(Ids[start..end], LossMask[start..end]);
    }
}
