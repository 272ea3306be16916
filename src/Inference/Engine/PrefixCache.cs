using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>What the cache has for a prompt.</summary>
/// <param name="State">States to go on from, to be cloned; null when there are none.</param>
/// <param name="Matched">Leading tokens of the prompt that are known, with or without states.</param>
/// <param name="MissReason">Why not more is reused; null when it could not be more.</param>
internal readonly record struct PrefixHit(SequenceState? State, int Matched, string? MissReason);

/// <summary>
/// States after prefixes of earlier prompts, in a radix tree of tokens. A prompt goes on from the deepest point with states, and the rest runs again:
/// keys and values alone are of no use, because a lightning state cannot be made from them. Snapshots share their key/value pages with each other and
/// with running answers; nobody writes to them.
/// </summary>
/// <remarks>Used by the thread that runs the steps only.</remarks>
internal sealed class PrefixCache : IDisposable
{
    private const int Grid = LightningAttention.BlockTokens;
    private const int DenseTokens = 16 * Grid;
    private const long MaxKnownTokens = 1 << 22;
    private readonly MiniMaxM1 model;
    private readonly long capacity;
    private readonly SessionStore? store;
    private readonly PrefixTree tree = new();
    private readonly List<PrefixNode> withState = [];
    private readonly Dictionary<object, int> pageHolds = new(ReferenceEqualityComparer.Instance);
    private readonly long lightningBytes;
    private long clock;

    /// <summary>A cache of at most <paramref name="capacity"/> bytes; with a store it begins with the sessions of earlier runs.</summary>
    public PrefixCache(MiniMaxM1 model, PrefixCacheMode mode, long capacity, SessionStore? store = null)
    {
        this.model = model;
        this.capacity = capacity;
        this.store = store;
        Mode = mode;
        lightningBytes = model.StateBytes(0);
        foreach (var tokens in store?.Prefixes ?? [])
        {
            if (mode == PrefixCacheMode.Fast || tokens.Length % Grid == 0)
            {
                tree.Add(tokens).IsStored = true;
            }
        }
    }

    /// <summary>Which states are kept.</summary>
    public PrefixCacheMode Mode { get; }

    /// <summary>Bytes of the states in memory; a shared page counts once.</summary>
    public long Bytes { get; private set; }

    /// <summary>Points with states in memory.</summary>
    public int Count => withState.Count;

    /// <summary>Points dropped to save memory.</summary>
    public long Evictions { get; private set; }

    /// <summary>Why a cache of this size could never give anything; null when it can.</summary>
    public static string? NeverHits(MiniMaxM1 model, long capacity) =>
        model.Config.MaxPositionEmbeddings <= Grid
            ? $"the model takes {model.Config.MaxPositionEmbeddings} tokens, but prompts are reused in blocks of {Grid}"
            : model.StateBytes(Grid) is var needed && needed > capacity
                ? $"the states of one block of {Grid} tokens take {needed:N0} bytes, but the cache may hold only {capacity:N0}"
                : null;

    /// <summary>The longest prefix of <paramref name="prompt"/> to go on from; at least one token is left to run.</summary>
    public PrefixHit Find(ReadOnlySpan<int> prompt)
    {
        clock++;
        var (node, matched) = tree.Walk(prompt);
        var evicted = false;
        var damaged = false;
        for (var at = node; at.Parent is not null; at = at.Parent)
        {
            if (at.End > matched || at.End >= prompt.Length)
            {
                continue;
            }

            if (at.State is null && at.IsStored && !Load(at))
            {
                damaged = true;
            }

            if (at.State is not null)
            {
                at.LastUse = clock;
                return new PrefixHit(at.State, matched, Reason(prompt.Length, matched, at.End, evicted, damaged));
            }

            evicted |= at.WasEvicted;
        }

        return new PrefixHit(null, matched, Reason(prompt.Length, matched, 0, evicted, damaged));
    }

    /// <summary>
    /// Where the states of a prompt are saved on the way: at the caller's marks, at the end of the prompt, where it leaves a known one, and at
    /// every grid line at first, then ever more rarely. All on the grid; in mode fast the end of the prompt also exactly.
    /// </summary>
    public void AddSnapshotPositions(GenerationRequest request, in PrefixHit hit, List<int> positions)
    {
        var (start, length) = (hit.State?.Position ?? 0, request.Prompt.Length);
        positions.AddRange(request.CacheBreakpoints.Select(Floor));
        positions.AddRange([Floor(length), Floor(length - 1), Floor(hit.Matched)]);
        for (var line = Grid; line < length; line += Spacing(line))
        {
            positions.Add(line);
        }

        if (Mode == PrefixCacheMode.Fast)
        {
            positions.Add(length);
        }

        positions.RemoveAll(position => position <= start || position > length);
        positions.Sort();
        for (var i = positions.Count - 1; i > 0; i--)
        {
            if (positions[i] == positions[i - 1])
            {
                positions.RemoveAt(i);
            }
        }
    }

    /// <summary>True when a later request is likely to go on from <paramref name="position"/>: a mark, the end of the prompt, or where it left a known one.</summary>
    public static bool IsLikely(GenerationRequest request, int position) =>
        position >= Floor(request.Prompt.Length - 1) || request.CacheBreakpoints.Any(mark => Floor(mark) == position);

    /// <summary>Keeps the states after <paramref name="tokens"/>; the caller goes on with its own.</summary>
    public void Add(ReadOnlySpan<int> tokens, SequenceState state, bool likely)
    {
        var node = tree.Add(tokens);
        node.IsLikely |= likely;
        node.LastUse = ++clock;
        if (node.State is null)
        {
            Hold(node, state.Clone());
        }

        if (likely && !node.IsStored && store is not null)
        {
            node.IsStored = store.Save(node.Tokens(), node.State!);
        }

        while (Bytes > capacity && Evict())
        {
        }

        ForgetGhosts();
    }

    /// <summary>Drops the states that are worth least: (tokens that would run again × recency) per byte. False when there are none.</summary>
    public bool Evict()
    {
        PrefixNode? worst = null;
        var least = double.MaxValue;
        foreach (var node in withState)
        {
            var worth = Worth(node);
            if (worth < least)
            {
                (worst, least) = (node, worth);
            }
        }

        if (worst is null)
        {
            return false;
        }

        Evictions++;
        worst.WasEvicted = true;
        Release(worst);
        return true;
    }

    /// <summary>Forgets everything, also on disk: the weights have changed.</summary>
    public void Clear()
    {
        foreach (var node in withState.ToArray())
        {
            Release(node);
        }

        tree.Clear();
        store?.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        store?.Dispose();
        foreach (var node in withState.ToArray())
        {
            Release(node);
        }
    }

    private static int Floor(int position) => Math.Max(0, position) / Grid * Grid;

    /// <summary>One block up to 16 blocks, then doubled with the position: 8 to 16 points in each doubling.</summary>
    private static int Spacing(int line)
    {
        var spacing = Grid;
        for (var reach = DenseTokens; line >= reach && reach > 0; reach *= 2)
        {
            spacing *= 2;
        }

        return spacing - (line % spacing);
    }

    private string? Reason(int length, int matched, int reused, bool evicted, bool damaged)
    {
        var best = Mode == PrefixCacheMode.Fast ? length - 1 : Floor(length - 1);
        return best == 0 ? CacheMiss.Short(Grid)
            : reused >= best ? null
            : damaged ? CacheMiss.Damaged(reused)
            : evicted ? CacheMiss.Evicted(reused)
            : matched == 0 ? CacheMiss.New()
            : Floor(Math.Min(matched, length - 1)) > reused ? CacheMiss.NoState(matched, reused)
            : CacheMiss.Diverged(matched, reused);
    }

    private double Worth(PrefixNode node)
    {
        var tokens = node.End - (node.StateBefore?.End ?? 0);
        var pages = node.Children.Count > 0 ? 0 : model.StateBytes(tokens) - lightningBytes;
        var recency = 1.0 / (clock - node.LastUse + 1);
        return (node.IsLikely ? 4.0 : 1.0) * tokens * recency / (lightningBytes + pages);
    }

    private void Hold(PrefixNode node, SequenceState state)
    {
        node.State = state;
        node.WasEvicted = false;
        withState.Add(node);
        Bytes += lightningBytes;
        ForEachPage(state, (page, bytes) =>
        {
            pageHolds.TryGetValue(page, out var holds);
            pageHolds[page] = holds + 1;
            Bytes += holds == 0 ? bytes : 0;
        });
    }

    private void Release(PrefixNode node)
    {
        Bytes -= lightningBytes;
        ForEachPage(node.State!, (page, bytes) =>
        {
            if (--pageHolds[page] == 0)
            {
                pageHolds.Remove(page);
                Bytes -= bytes;
            }
        });
        node.State!.Dispose();
        node.State = null;
        withState.Remove(node);
    }

    private static void ForEachPage(SequenceState state, Action<object, int> act)
    {
        foreach (var layer in state.Layers)
        {
            if (layer is KeyValueState keyValue)
            {
                for (var page = 0; page < keyValue.Pages.Count; page++)
                {
                    act(keyValue.Pages.PageIdentity(page), keyValue.Pages.PageByteCount);
                }
            }
        }
    }

    /// <summary>Brings the states of a session file into memory; a file that is damaged is forgotten.</summary>
    private bool Load(PrefixNode node)
    {
        if (store!.Load(node.Tokens(), model) is not { } state)
        {
            node.IsStored = false;
            return false;
        }

        Hold(node, state);
        node.IsLikely = true;
        return true;
    }

    /// <summary>Points without states explain misses, but they must not grow without bound.</summary>
    private void ForgetGhosts()
    {
        if (tree.TokenCount > MaxKnownTokens)
        {
            foreach (var leaf in tree.All().Where(node => node.Children.Count == 0 && !node.HasState).OrderBy(node => node.LastUse).ToArray())
            {
                tree.Prune(leaf);
                if (tree.TokenCount <= MaxKnownTokens / 2)
                {
                    return;
                }
            }
        }
    }
}
