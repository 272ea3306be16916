using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <summary>
/// A deterministic automaton that is made while it is used: configurations get numbers, and where a byte leads is looked up after the first time.
/// When it has grown too large it is emptied and begins anew; the language does not change by that. Not for concurrent calls.
/// </summary>
/// <param name="automaton">The language.</param>
/// <param name="maxTransitions">Size at which it begins anew.</param>
internal sealed class ConfigurationTable(PushdownAutomaton automaton, int maxTransitions = 1 << 21)
{
    /// <summary>Where no text of the language leads.</summary>
    public const int Dead = -1;

    private const int Unknown = -2;
    private const int MaxThreads = 1 << 20;
    private const int MaxMaskBytes = 16 << 20;

    private readonly int classes = automaton.ClassBytes.Length;
    private readonly Dictionary<Configuration, Configuration> known = [];
    private readonly List<Configuration> all = [];
    private readonly Dictionary<(int Return, int Count, Frame? Parent), Frame> frames = [];
    private readonly HashSet<Thread> visited = [];
    private readonly Stack<Thread> open = new();
    private readonly List<Thread> taking = [];
    private int[] next = [];
    private int lastFrame;
    private int threads;
    private int maskBytes;

    /// <summary>True when a walk should call <see cref="Restart"/>.</summary>
    public bool IsFull => all.Count * classes > maxTransitions || threads > MaxThreads;

    /// <summary>The configuration of a number.</summary>
    public Configuration this[int id] => all[id];

    /// <summary>The configuration before any text.</summary>
    /// <param name="state">Where the text begins.</param>
    public Configuration Begin(int state) => Close([new Thread(state, 0, null)])!;

    /// <summary>The configuration in this table that equals <paramref name="configuration"/>, which may be of an earlier time.</summary>
    public Configuration Find(Configuration configuration) =>
        configuration.Id < all.Count && ReferenceEquals(all[configuration.Id], configuration) ? configuration : Intern(configuration.Threads, configuration.CanEnd);

    /// <summary>Where a byte leads: a number, or <see cref="Dead"/>.</summary>
    public int Next(int id, byte value)
    {
        var slot = (id * classes) + automaton.ByteClasses[value];
        var target = next[slot];
        return target != Unknown ? target : FindNext(id, slot);
    }

    /// <summary>The configuration of some of the threads.</summary>
    public Configuration Intern(Thread[] subset, bool canEnd)
    {
        var made = new Configuration(subset, canEnd);
        if (known.TryGetValue(made, out var old))
        {
            return old;
        }

        made.Id = all.Count;
        known.Add(made, made);
        all.Add(made);
        threads += subset.Length;
        if (next.Length < all.Count * classes)
        {
            var used = next.Length;
            Array.Resize(ref next, Math.Max(64 * classes, used * 2));
            next.AsSpan(used).Fill(Unknown);
        }

        return made;
    }

    /// <summary>Notes the tokens that can follow a configuration.</summary>
    public void Keep(Configuration configuration, TokenMask mask)
    {
        maskBytes += mask.Size;
        if (maskBytes > MaxMaskBytes)
        {
            all.ForEach(other => other.Mask = null);
            maskBytes = mask.Size;
        }

        configuration.Mask = mask;
    }

    /// <summary>Empties the table but for the configurations of a walk, which get new numbers.</summary>
    public void Restart(Span<int> ids)
    {
        var kept = new Configuration[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            kept[i] = all[ids[i]];
        }

        known.Clear();
        all.Clear();
        frames.Clear();
        (threads, maskBytes) = (0, 0);
        next.AsSpan().Fill(Unknown);
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = Intern(kept[i].Threads, kept[i].CanEnd).Id;
        }
    }

    private int FindNext(int id, int slot)
    {
        var value = automaton.ClassBytes[slot - (id * classes)];
        var seeds = new List<Thread>();
        foreach (var thread in all[id].Threads)
        {
            foreach (var edge in automaton.States[thread.State].Bytes)
            {
                if (value >= edge.Lo && value <= edge.Hi)
                {
                    seeds.Add(thread with { State = edge.Target });
                }
            }
        }

        // Interning can move the array, so the slot is written afterwards.
        var target = seeds.Count == 0 ? Dead : Close(seeds)?.Id ?? Dead;
        next[slot] = target;
        return target;
    }

    /// <summary>Follows all edges that take no byte: within rules, into them, and out of them. Null when no thread is left.</summary>
    private Configuration? Close(List<Thread> seeds)
    {
        visited.Clear();
        taking.Clear();
        var canEnd = false;
        foreach (var seed in seeds)
        {
            Visit(seed);
        }

        while (open.TryPop(out var thread))
        {
            var state = automaton.States[thread.State];
            if (state.Bytes.Length > 0)
            {
                taking.Add(thread);
            }

            foreach (var edge in state.Empties)
            {
                if (thread.Count >= edge.MinCount && thread.Count <= edge.MaxCount)
                {
                    Visit(thread with { State = edge.Target, Count = edge.Counts ? Math.Min(thread.Count + 1, edge.Cap) : thread.Count });
                }
            }

            foreach (var call in state.Calls)
            {
                Visit(new Thread(automaton.Rules[call.Rule].Start, 0, FrameOf(call.Target, thread)));
            }

            if (state.EndsRule && thread.Frame is { } frame)
            {
                Visit(new Thread(frame.Return, frame.Count, frame.Parent));
            }

            canEnd |= state.EndsRule && thread.Frame is null;
        }

        taking.Sort();
        return taking.Count > 0 || canEnd ? Intern([.. taking], canEnd) : null;
    }

    private void Visit(Thread thread)
    {
        // Nesting that could not be completed within the limit is not begun.
        if (thread.Depth + automaton.States[thread.State].Height <= PushdownAutomaton.MaxDepth && visited.Add(thread))
        {
            open.Push(thread);
        }
    }

    private Frame FrameOf(int target, Thread caller)
    {
        ref var frame = ref CollectionsMarshal.GetValueRefOrAddDefault(frames, (target, caller.Count, caller.Frame), out var exists);
        return exists ? frame! : frame = new Frame(lastFrame++, target, caller.Count, caller.Frame, caller.Depth + 1);
    }
}
