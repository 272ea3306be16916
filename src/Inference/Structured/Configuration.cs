namespace MiniMaxSharp.Inference;

/// <summary>Where a rule returns to. Equal frames of one <see cref="ConfigurationTable"/> are one object.</summary>
internal sealed class Frame(int id, int @return, int count, Frame? parent, int depth)
{
    /// <summary>Number in the table, for the order of readings.</summary>
    public int Id { get; } = id;

    /// <summary>State behind the call.</summary>
    public int Return { get; } = @return;

    /// <summary>Counter of the rule that calls.</summary>
    public int Count { get; } = count;

    /// <summary>Where that rule returns to; null for the root rule.</summary>
    public Frame? Parent { get; } = parent;

    /// <summary>Frames from here to the root.</summary>
    public int Depth { get; } = depth;
}

/// <summary>One way to read the text so far.</summary>
/// <param name="State">State of the automaton.</param>
/// <param name="Count">Counter of its rule.</param>
/// <param name="Frame">Where its rule returns to.</param>
internal readonly record struct Reading(int State, int Count, Frame? Frame) : IComparable<Reading>
{
    /// <summary>Rules inside one another.</summary>
    public int Depth => Frame?.Depth ?? 0;

    /// <inheritdoc/>
    public int CompareTo(Reading other) => (State, Count, Frame?.Id ?? -1).CompareTo((other.State, other.Count, other.Frame?.Id ?? -1));
}

/// <summary>
/// All ways to read the text so far: what a state of a deterministic automaton would be. Equal ones are one object, until the table begins anew.
/// </summary>
internal sealed class Configuration(Reading[] readings, bool canEnd) : IEquatable<Configuration>
{
    private readonly int hash = Hash(readings, canEnd);

    /// <summary>Readings in states that take a byte, in order.</summary>
    public Reading[] Readings { get; } = readings;

    /// <summary>Whether the text is complete.</summary>
    public bool CanEnd { get; } = canEnd;

    /// <summary>Number in the table.</summary>
    public int Id { get; set; }

    /// <summary>The tokens that can follow; null until they are asked for.</summary>
    public TokenMask? Mask { get; set; }

    /// <inheritdoc/>
    public bool Equals(Configuration? other) => other is not null && hash == other.hash && CanEnd == other.CanEnd && Readings.AsSpan().SequenceEqual(other.Readings);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Configuration);

    /// <inheritdoc/>
    public override int GetHashCode() => hash;

    private static int Hash(Reading[] readings, bool canEnd)
    {
        var hash = new HashCode();
        hash.Add(canEnd);
        foreach (var reading in readings)
        {
            hash.Add(reading.State);
            hash.Add(reading.Count);
            hash.Add(reading.Frame?.Id ?? -1);
        }

        return hash.ToHashCode();
    }
}

/// <summary>Tokens that can follow: as a list where they are few, as bits where they are many.</summary>
internal sealed record TokenMask(int[]? Ids, uint[]? Bits)
{
    /// <summary>Bytes that it takes.</summary>
    public int Size => ((Ids?.Length ?? 0) + (Bits?.Length ?? 0)) * 4;
}
