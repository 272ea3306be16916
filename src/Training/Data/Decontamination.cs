namespace MiniMaxSharp.Training;

/// <summary>
/// Finds texts that hold a part of a test set: a run of <c>n</c> words in common, or the whole of a test text that is shorter than that.
/// Case, punctuation and spacing do not count.
/// </summary>
public sealed class Decontamination
{
    private readonly int runLength;
    private readonly int shortest;
    private readonly HashSet<ulong> runs = [];
    private readonly SortedSet<int> lengths = [];

    /// <summary>An empty test set.</summary>
    /// <param name="runLength">n; 13 words are usual for web text.</param>
    /// <param name="shortest">Test texts with fewer words are too common to tell and are passed over.</param>
    public Decontamination(int runLength = 13, int shortest = 6)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(runLength, shortest);
        ArgumentOutOfRangeException.ThrowIfLessThan(shortest, 1);
        this.runLength = runLength;
        this.shortest = shortest;
    }

    /// <summary>Adds a text of the test set; false when it is too short to be found again.</summary>
    public bool AddTest(string text)
    {
        var words = TextShingles.Words(text);
        if (words.Count < shortest)
        {
            return false;
        }

        var length = Math.Min(runLength, words.Count);
        lengths.Add(length);
        runs.UnionWith(TextShingles.Runs(words, length));
        return true;
    }

    /// <summary>True when the text holds a part of the test set.</summary>
    public bool IsContaminated(string text)
    {
        var words = TextShingles.Words(text);
        return lengths.Any(length => TextShingles.Runs(words, length).Any(runs.Contains));
    }
}
