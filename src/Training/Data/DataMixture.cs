using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>One of the sources of a mixture.</summary>
/// <param name="Name">Name in reports.</param>
/// <param name="Files">JSONL or Parquet files, in this order.</param>
/// <param name="Weight">Share of the draws, relative to the other sources.</param>
public sealed record DataSource(string Name, IReadOnlyList<string> Files, double Weight = 1);

/// <summary>Where a mixture stands: all that is needed to go on with the very next record.</summary>
/// <param name="Draws">Records drawn so far.</param>
/// <param name="PerSource">Records drawn from each source.</param>
public sealed record DataCursor(long Draws, long[] PerSource);

/// <summary>A record that was drawn.</summary>
/// <param name="Source">Index of the source.</param>
/// <param name="Place">File and line, for messages.</param>
/// <param name="Fields">Its fields.</param>
public sealed record DrawnRecord(int Source, string Place, JsonElement Fields);

/// <summary>
/// Records of several sources in a fixed, shuffled order: which source comes next is drawn by its weight, and each source goes through all its records,
/// in a new order each time. The order depends on seed, files and weights alone, so a cursor of a few numbers is enough to go on exactly.
/// </summary>
public sealed class DataMixture : IDisposable
{
    private readonly IReadOnlyList<DataSource> sources;
    private readonly RecordFile[][] files;
    private readonly long[][] blockStarts; // For each source the first record of each block over all files, and their number.
    private readonly ulong seed;
    private long draws;
    private readonly long[] perSource;

    /// <summary>Opens the files.</summary>
    /// <param name="sources">The sources.</param>
    /// <param name="seed">Of the order.</param>
    /// <param name="cursor">Where to go on; null is the beginning.</param>
    /// <exception cref="InvalidInputException">A file cannot be read, a source is empty, or a weight is not positive.</exception>
    public DataMixture(IReadOnlyList<DataSource> sources, ulong seed, DataCursor? cursor = null)
    {
        this.sources = sources;
        this.seed = seed;
        files = [.. sources.Select(static source => source.Files.Select(RecordFile.Open).ToArray())];
        blockStarts = [.. files.Select(BlockStartsOf)];
        for (var i = 0; i < sources.Count; i++)
        {
            if (blockStarts[i][^1] == 0 || !(sources[i].Weight > 0) || double.IsInfinity(sources[i].Weight))
            {
                var problem = blockStarts[i][^1] == 0 ? "has no records" : $"has the weight {sources[i].Weight}; it must be above 0";
                Dispose();
                throw new InvalidInputException($"The data source {sources[i].Name} {problem} ({string.Join(", ", sources[i].Files)}).");
            }
        }

        if (cursor is not null && cursor.PerSource.Length != sources.Count)
        {
            Dispose();
            throw new InvalidInputException($"The checkpoint's data cursor has {cursor.PerSource.Length} sources, the recipe {sources.Count}. Resume with the same recipe.");
        }

        draws = cursor?.Draws ?? 0;
        perSource = [.. cursor?.PerSource ?? new long[sources.Count]];
    }

    /// <summary>Where it stands now.</summary>
    public DataCursor Cursor => new(draws, [.. perSource]);

    /// <summary>Records of each source.</summary>
    public IReadOnlyList<long> Counts => [.. blockStarts.Select(static starts => starts[^1])];

    /// <summary>Draws the next record; there is always one.</summary>
    /// <exception cref="InvalidInputException">The record is malformed.</exception>
    public DrawnRecord Next()
    {
        var source = ChooseSource();
        var record = RecordAt(source, perSource[source]);
        draws++;
        perSource[source]++;
        foreach (var file in files[source])
        {
            if (record < file.Count)
            {
                return new DrawnRecord(source, file.Place(record), file.Read(record));
            }

            record -= file.Count;
        }

        throw new InvalidOperationException($"{sources[source].Name} has no record {record}.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in files.SelectMany(static list => list))
        {
            file.Dispose();
        }
    }

    private static long[] BlockStartsOf(RecordFile[] files)
    {
        var starts = new List<long> { 0 };
        foreach (var file in files)
        {
            var before = starts[^1];
            starts.AddRange(file.BlockStarts.Skip(1).Select(start => before + start));
        }

        return [.. starts];
    }

    private int ChooseSource()
    {
        var point = (SeededPermutation.Mix(seed ^ 0x6D69_7874_7572_65UL, (ulong)draws) >> 11) * (1.0 / (1UL << 53)) * sources.Sum(static source => source.Weight);
        for (var i = 0; i < sources.Count - 1; i++)
        {
            if ((point -= sources[i].Weight) < 0)
            {
                return i;
            }
        }

        return sources.Count - 1;
    }

    /// <summary>Blocks in a shuffled order, and the records of each in a shuffled order, so that few blocks are open at a time.</summary>
    private long RecordAt(int source, long drawn)
    {
        var starts = blockStarts[source];
        var (epoch, place) = Math.DivRem(drawn, starts[^1]);
        var epochSeed = SeededPermutation.Mix(SeededPermutation.Mix(seed, (ulong)source), (ulong)epoch);
        var blocks = new SeededPermutation(epochSeed, starts.Length - 1);
        for (long i = 0; ; i++)
        {
            var block = blocks[i];
            var count = starts[block + 1] - starts[block];
            if (place < count)
            {
                return starts[block] + new SeededPermutation(SeededPermutation.Mix(epochSeed, (ulong)block), count)[place];
            }

            place -= count;
        }
    }
}
