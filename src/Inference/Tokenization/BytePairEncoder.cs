using System.Buffers;
using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Byte-pair encoding of one pre-token: start from its bytes, then again and again merge the neighbouring pair of lowest rank, leftmost first.
/// </summary>
internal sealed class BytePairEncoder
{
    /// <summary>Up to this many bytes a plain scan for the lowest rank beats a heap.</summary>
    private const int LongestScan = 128;

    private readonly int[] byteIds;
    private readonly MergeTable merges;

    /// <summary>Takes the id of each of the 256 byte values and the merges.</summary>
    public BytePairEncoder(int[] byteIds, MergeTable merges)
    {
        this.byteIds = byteIds;
        this.merges = merges;
    }

    /// <summary>Appends the ids of a pre-token of at least one byte.</summary>
    public void Encode(ReadOnlySpan<byte> bytes, List<int> output)
    {
        if (bytes.Length <= LongestScan)
        {
            EncodeByScan(bytes, output);
        }
        else
        {
            EncodeByHeap(bytes, output);
        }
    }

    private void EncodeByScan(ReadOnlySpan<byte> bytes, List<int> output)
    {
        var count = bytes.Length;
        Span<int> ids = stackalloc int[LongestScan];
        Span<long> merges = stackalloc long[LongestScan]; // merges[i] joins ids[i] and ids[i + 1]
        ids[0] = this.byteIds[bytes[0]];
        for (var i = 1; i < count; i++)
        {
            ids[i] = this.byteIds[bytes[i]];
            merges[i - 1] = this.merges.Find(ids[i - 1], ids[i]);
        }

        while (count > 1)
        {
            var best = 0;
            for (var i = 1; i < count - 1; i++)
            {
                if (merges[i] < merges[best])
                {
                    best = i;
                }
            }

            if (merges[best] == MergeTable.None)
            {
                break;
            }

            ids[best] = MergeTable.IdOf(merges[best]);
            ids[(best + 2)..count].CopyTo(ids[(best + 1)..]);
            merges[(best + 1)..(count - 1)].CopyTo(merges[best..]);
            count--;
            if (best > 0)
            {
                merges[best - 1] = this.merges.Find(ids[best - 1], ids[best]);
            }

            if (best < count - 1)
            {
                merges[best] = this.merges.Find(ids[best], ids[best + 1]);
            }
        }

        Append(ids[..count], output);
    }

    /// <summary>
    /// The same in O(n log n), so that a megabyte without a space takes no quadratic time: the tokens are a doubly linked list
    /// over the byte positions and the heap orders the pairs by (rank, position of the left token).
    /// </summary>
    private void EncodeByHeap(ReadOnlySpan<byte> bytes, List<int> output)
    {
        var count = bytes.Length;
        var nodes = ArrayPool<Node>.Shared.Rent(count);
        var heap = new PriorityQueue<int, long>(count);
        for (var i = 0; i < count; i++)
        {
            nodes[i] = new Node { Id = this.byteIds[bytes[i]], Previous = i - 1, Next = i + 1 };
        }

        for (var i = 0; i < count; i++)
        {
            Offer(nodes, i, count, heap);
        }

        while (heap.TryDequeue(out var left, out var priority))
        {
            ref var node = ref nodes[left];

            // An entry is stale when the pair that it stands for is no longer here; a rank belongs to one pair only.
            if (node.Merge == MergeTable.None || MergeTable.RankOf(node.Merge) != MergeTable.RankOf(priority))
            {
                continue;
            }

            ref var gone = ref nodes[node.Next];
            node.Id = MergeTable.IdOf(node.Merge);
            node.Next = gone.Next;
            gone.Merge = MergeTable.None;
            if (node.Next < count)
            {
                nodes[node.Next].Previous = left;
            }

            Offer(nodes, left, count, heap);
            if (node.Previous >= 0)
            {
                Offer(nodes, node.Previous, count, heap);
            }
        }

        for (var i = 0; i < count; i = nodes[i].Next)
        {
            output.Add(nodes[i].Id);
        }

        ArrayPool<Node>.Shared.Return(nodes);
    }

    private void Offer(Node[] nodes, int left, int count, PriorityQueue<int, long> heap)
    {
        ref var node = ref nodes[left];
        node.Merge = node.Next < count ? this.merges.Find(node.Id, nodes[node.Next].Id) : MergeTable.None;
        if (node.Merge != MergeTable.None)
        {
            heap.Enqueue(left, ((long)MergeTable.RankOf(node.Merge) << 32) | (uint)left);
        }
    }

    private static void Append(ReadOnlySpan<int> ids, List<int> output)
    {
        var before = output.Count;
        CollectionsMarshal.SetCount(output, before + ids.Length);
        ids.CopyTo(CollectionsMarshal.AsSpan(output)[before..]);
    }

    /// <summary>One token of the list; <c>Merge</c> is that with its right neighbour.</summary>
    private struct Node
    {
        public int Id;
        public int Previous;
        public int Next;
        public long Merge;
    }
}
