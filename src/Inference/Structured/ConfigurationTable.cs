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
    private const int MaxReadings = 1 << 20;
    private const int MaxMaskBytes = 16 << 20;

    private readonly int classes = automaton.ClassBytes.Length;
    private readonly Dictionary<Configuration, Configuration> known = [];
    private readonly List<Configuration> all = [];
    private readonly Dictionary<(int Return, int Count, Frame? Parent), Frame> frames = [];
    private readonly HashSet<Reading> visited = [];
    private readonly Stack<Reading> open = new();
    private readonly List<Reading> taking = [];
    private int[] next = [];
    private int lastFrame;
    private int readings;
    private int maskBytes;

    /// <summary>True when a walk should call <see cref="Restart"/>.</summary>
    public bool IsFull => all.Count * classes > maxTransitions || readings > MaxReadings;

    /// <summary>The configuration of a number.</summary>
    public Configuration this[int id] => all[id];

    /// <summary>The configuration before any text.</summary>
    /// <param name="state">Where the text begins.</param>
    public Configuration Begin(int state) => Close([new Reading(state, 0, null)])!;

    /// <summary>The configuration in this table that equals <paramref name="configuration"/>, which may be of an earlier time.</summary>
    public Configuration Find(Configuration configuration) =>
        configuration.Id < all.Count && ReferenceEquals(all[configuration.Id], configuration) ? configuration : Intern(configuration.Readings, configuration.CanEnd);

    /// <summary>Where a byte leads: a number, or <see cref="Dead"/>.</summary>
    public int Next(int id, byte value)
    {
        var slot = (id * classes) + automaton.ByteClasses[value];
        var target = next[slot];
        return target != Unknown ? target : FindNext(id, slot);
    }

    /// <summary>The configuration of some of the readings.</summary>
    public Configuration Intern(Reading[] subset, bool canEnd)
    {
        var made = new Configuration(subset, canEnd);
        if (known.TryGetValue(made, out var old))
        {
            return old;
        }

        made.Id = all.Count;
        known.Add(made, made);
        all.Add(made);
        readings += subset.Length;
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
        (readings, maskBytes) = (0, 0);
        next.AsSpan().Fill(Unknown);
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = Intern(kept[i].Readings, kept[i].CanEnd).Id;
        }
    }

    private int FindNext(int id, int slot)
    {
        var value = automaton.ClassBytes[slot - (id * classes)];
        var seeds = new List<Reading>();
        foreach (var reading in all[id].Readings)
        {
            foreach (var edge in automaton.States[reading.State].Bytes)
            {
                if (value >= edge.Lo && value <= edge.Hi)
                {
                    seeds.Add(reading with { State = edge.Target });
                }
            }
        }

        // Interning can move the array, so the slot is written afterwards.
        var target = seeds.Count == 0 ? Dead : Close(seeds)?.Id ?? Dead;
        next[slot] = target;
        return target;
    }

    /// <summary>Follows all edges that take no byte: within rules, into them, and out of them. Null when no reading is left.</summary>
    private Configuration? Close(List<Reading> seeds)
    {
        visited.Clear();
        taking.Clear();
        var canEnd = false;
        foreach (var seed in seeds)
        {
            Visit(seed);
        }

        while (open.TryPop(out var reading))
        {
            var state = automaton.States[reading.State];
            if (state.Bytes.Length > 0)
            {
                taking.Add(reading);
            }

            foreach (var edge in state.Empties)
            {
                if (reading.Count >= edge.MinCount && reading.Count <= edge.MaxCount)
                {
                    Visit(reading with { State = edge.Target, Count = edge.Counts ? Math.Min(reading.Count + 1, edge.Cap) : reading.Count });
                }
            }

            foreach (var call in state.Calls)
            {
                Visit(new Reading(automaton.Rules[call.Rule].Start, 0, FrameOf(call.Target, reading)));
            }

            if (state.EndsRule && reading.Frame is { } frame)
            {
                Visit(new Reading(frame.Return, frame.Count, frame.Parent));
            }

            canEnd |= state.EndsRule && reading.Frame is null;
        }

        taking.Sort();
        return taking.Count > 0 || canEnd ? Intern([.. taking], canEnd) : null;
    }

    private void Visit(Reading reading)
    {
        // Nesting that could not be completed within the limit is not begun.
        if (reading.Depth + automaton.States[reading.State].Height <= PushdownAutomaton.MaxDepth && visited.Add(reading))
        {
            open.Push(reading);
        }
    }

    private Frame FrameOf(int target, Reading caller)
    {
        ref var frame = ref CollectionsMarshal.GetValueRefOrAddDefault(frames, (target, caller.Count, caller.Frame), out var exists);
        return exists ? frame! : frame = new Frame(lastFrame++, target, caller.Count, caller.Frame, caller.Depth + 1);
    }
}
