namespace MiniMaxSharp.Inference;

/// <summary>
/// What two neighbouring tokens merge into: (left id, right id) → (rank, id of the whole), in a flat open-addressing table at most half full.
/// A merge is one number, <c>rank &lt;&lt; 32 | id</c>, so the smaller number is the merge to do first.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>The pair does not merge.</summary>
    public const long None = long.MaxValue;

    private readonly Slot[] slots;
    private readonly int shift;

    /// <summary>Makes an empty table for at most <paramref name="count"/> merges.</summary>
    public MergeTable(int count)
    {
        var bits = Math.Max(4, 32 - int.LeadingZeroCount(count * 2));
        shift = 64 - bits;
        slots = new Slot[1 << bits];
        Array.Fill(slots, new Slot { Merge = None });
    }

    /// <summary>Id of the merged token in a merge.</summary>
    public static int IdOf(long merge) => (int)merge;

    /// <summary>Rank of a merge; a lower rank is applied first.</summary>
    public static int RankOf(long merge) => (int)(merge >> 32);

    /// <summary>The merge of a pair, or <see cref="None"/>.</summary>
    public long Find(int left, int right)
    {
        var key = KeyOf(left, right);
        for (var i = FirstSlot(key); ; i = (i + 1) & (slots.Length - 1))
        {
            ref readonly var slot = ref slots[i];
            if (slot.Key == key || slot.Merge == None)
            {
                return slot.Merge;
            }
        }
    }

    /// <summary>Adds the merge of a pair; false when the pair has one already.</summary>
    public bool TryAdd(int left, int right, int rank, int id)
    {
        var key = KeyOf(left, right);
        var i = FirstSlot(key);
        while (slots[i].Merge != None)
        {
            if (slots[i].Key == key)
            {
                return false;
            }

            i = (i + 1) & (slots.Length - 1);
        }

        slots[i] = new Slot { Key = key, Merge = ((long)rank << 32) | (uint)id };
        return true;
    }

    /// <summary>All merges, the first to apply first.</summary>
    public IEnumerable<(int Left, int Right)> InOrder() => slots.Where(static slot => slot.Merge != None).OrderBy(static slot => RankOf(slot.Merge))
        .Select(static slot => ((int)(slot.Key >> 32), (int)slot.Key));

    private static ulong KeyOf(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private int FirstSlot(ulong key) => (int)((key * 0x9E3779B97F4A7C15) >> shift);

    private struct Slot
    {
        public ulong Key;
        public long Merge;
    }
}
