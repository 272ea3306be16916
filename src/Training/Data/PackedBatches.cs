using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>
/// Batches of packed documents from a mixture of sources, always the same for the same files, seed and lengths. Texts follow one another and are cut where
/// a sequence ends; conversations are never cut: those longer than a sequence, and those that teach nothing, are dropped and counted.
/// </summary>
internal sealed class PackedBatches : IDisposable
{
    private readonly DataMixture mixture;
    private readonly DocumentReader reader;
    private DataCursor beforePending;
    private TrainingDocument? pending;
    private int offset;

    /// <summary>Opens the files.</summary>
    /// <param name="sources">The sources.</param>
    /// <param name="seed">Of the order.</param>
    /// <param name="reader">Makes tokens of records.</param>
    /// <param name="cursor">A <see cref="Cursor"/> to go on from; null is the beginning.</param>
    /// <exception cref="InvalidInputException">A file cannot be read, or the cursor is of other sources.</exception>
    public PackedBatches(IReadOnlyList<DataSource> sources, ulong seed, DocumentReader reader, JsonObject? cursor = null)
    {
        this.reader = reader;
        mixture = new DataMixture(sources, seed, cursor is null ? null : new DataCursor((long)cursor["draws"]!, [.. cursor["per_source"]!.AsArray().Select(static n => (long)n!)]));
        beforePending = mixture.Cursor;
        if (cursor is not null)
        {
            (TooLong, WithoutLoss) = ((long)cursor["too_long"]!, (long)cursor["without_loss"]!);
            if ((int)cursor["offset"]! is > 0 and var resumed)
            {
                // The document that the last batch cut: it is drawn again.
                pending = reader.Read(mixture.Next());
                offset = resumed;
            }
        }
    }

    /// <summary>Conversations that were longer than a sequence.</summary>
    public long TooLong { get; private set; }

    /// <summary>Conversations without a turn of the assistant.</summary>
    public long WithoutLoss { get; private set; }

    /// <summary>Passes over each source so far.</summary>
    public IEnumerable<double> Epochs => mixture.Cursor.PerSource.Zip(mixture.Counts, static (drawn, count) => (double)drawn / count);

    /// <summary>All that going on with the very next batch needs.</summary>
    public JsonObject Cursor
    {
        get
        {
            var cursor = pending is null ? mixture.Cursor : beforePending;
            return new JsonObject
            {
                ["draws"] = cursor.Draws,
                ["per_source"] = new JsonArray([.. cursor.PerSource.Select(static n => JsonValue.Create(n))]),
                ["offset"] = offset,
                ["too_long"] = TooLong,
                ["without_loss"] = WithoutLoss,
            };
        }
    }

    /// <summary>The next batch.</summary>
    /// <param name="tokens">N: exactly so many tokens of texts, at most so many of conversations.</param>
    /// <param name="length">Longest sequence.</param>
    /// <exception cref="InvalidInputException">A record is malformed, or none of the records can be used.</exception>
    public TrainingBatch Next(int tokens, int length) => TrainingBatch.Of(reader.Kind == DocumentKind.Text ? CutTexts(tokens, length) : WholeChats(tokens, length));

    /// <inheritdoc/>
    public void Dispose() => mixture.Dispose();

    /// <summary>Batches for evaluation: each held-out record once, in pieces of at most <paramref name="length"/> tokens.</summary>
    /// <param name="sources">The sources.</param>
    /// <param name="reader">Makes tokens of records.</param>
    /// <param name="heldOutOnly">False takes every record: the files are for evaluation alone.</param>
    /// <param name="tokens">Ends when there are so many.</param>
    /// <param name="batchTokens">Most tokens of one batch.</param>
    /// <param name="length">Longest sequence.</param>
    public static List<TrainingBatch> ForEvaluation(
        IReadOnlyList<DataSource> sources, DocumentReader reader, bool heldOutOnly, int tokens, int batchTokens, int length)
    {
        using var mixture = new DataMixture(sources, seed: 0);
        var (batches, documents, size, total) = (new List<TrainingBatch>(), new List<TrainingDocument>(), 0, 0);
        for (var record = 0L; record < mixture.Counts.Sum() && total < tokens; record++)
        {
            var drawn = mixture.Next();
            var document = !heldOutOnly || reader.IsHeldOut(drawn) ? reader.Read(drawn).Part(0, length) : null;
            if (document is null || !document.LossMask.AsSpan(1).Contains(true))
            {
                continue;
            }

            if (size + document.Ids.Length > batchTokens && size > 0)
            {
                batches.Add(TrainingBatch.Of(documents));
                (documents, size) = ([], 0);
            }

            documents.Add(document);
            size += document.Ids.Length;
            total += document.Ids.Length;
        }

        return size == 0 ? batches : [.. batches, TrainingBatch.Of(documents)];
    }

    private List<TrainingDocument> CutTexts(int tokens, int length)
    {
        var parts = new List<TrainingDocument>();
        for (var left = tokens; left > 0;)
        {
            var sequence = Math.Min(length, left);
            left -= sequence;
            while (sequence > 0)
            {
                pending ??= Draw(int.MaxValue);
                var part = pending.Part(offset, sequence);
                parts.Add(part);
                sequence -= part.Ids.Length;
                offset += part.Ids.Length;
                if (offset == pending.Ids.Length)
                {
                    (pending, offset) = (null, 0);
                }
            }
        }

        return parts;
    }

    private List<TrainingDocument> WholeChats(int tokens, int length)
    {
        var longest = Math.Min(tokens, length);
        var chats = new List<TrainingDocument>();
        for (var left = tokens; ;)
        {
            pending ??= Draw(longest);
            if (pending.Ids.Length > longest)
            {
                TooLong++;
            }
            else if (pending.Ids.Length <= left)
            {
                chats.Add(pending);
                left -= pending.Ids.Length;
            }
            else
            {
                return chats;
            }

            pending = null;
        }
    }

    /// <summary>The next document that can be used.</summary>
    private TrainingDocument Draw(int longest)
    {
        for (var unused = 0L; unused <= 2 * mixture.Counts.Sum(); unused++)
        {
            beforePending = mixture.Cursor;
            var record = mixture.Next();
            if (reader.IsHeldOut(record))
            {
                continue;
            }

            var document = reader.Read(record);
            if (document.Ids.Length > longest)
            {
                TooLong++;
            }
            else if (!document.LossMask.Contains(true))
            {
                WithoutLoss++;
            }
            else
            {
                return document;
            }
        }

        throw new InvalidInputException(
            $"None of the {mixture.Counts.Sum():N0} records can be used: they are held out, longer than {longest:N0} tokens, or have no turn of the assistant. "
            + "Use longer sequences or other data.");
    }
}
