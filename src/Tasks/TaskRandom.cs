using System.Text;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// The random numbers of tasks: SplitMix64, number i is a mix of seed + i · 0x9E3779B97F4A7C15. Integers only,
/// so the same seed gives the same text on every machine and runtime.
/// </summary>
public sealed class TaskRandom
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;
    private readonly ulong seed;
    private ulong state;

    /// <summary>Makes the stream of a seed.</summary>
    public TaskRandom(ulong seed)
    {
        this.seed = seed;
        state = seed;
    }

    /// <summary>The stream of a name and a seed; different names give unrelated streams.</summary>
    public static TaskRandom Named(string name, ulong seed) => new(Mix(seed ^ Hash(name)));

    /// <summary>An unrelated stream, which does not depend on how much of this one was used.</summary>
    public TaskRandom Fork(string name) => Named(name, Mix(seed));

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits()
    {
        state += Gamma;
        return Mix(state);
    }

    /// <summary>A number in [0, <paramref name="count"/>), every one equally likely to 2^-32.</summary>
    public int Below(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return (int)(((UInt128)NextBits() * (ulong)count) >> 64);
    }

    /// <summary>A number from <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public int Range(int low, int high) => low + Below(high - low + 1);

    /// <summary>A number of exactly <paramref name="digits"/> decimal digits (1 to 18); one digit means 1 to 9.</summary>
    public long WithDigits(int digits)
    {
        var low = 1L;
        for (var i = 1; i < digits; i++)
        {
            low *= 10;
        }

        return low + (long)(((UInt128)NextBits() * (ulong)(9 * low)) >> 64);
    }

    /// <summary>True once in <paramref name="count"/> calls.</summary>
    public bool OneIn(int count) => Below(count) == 0;

    /// <summary>One of the items.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>The items in a random order, as a new array.</summary>
    public T[] Shuffled<T>(IEnumerable<T> items)
    {
        var order = items.ToArray();
        for (var i = order.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }

    /// <summary>Different items, in a random order.</summary>
    public T[] Draw<T>(IEnumerable<T> items, int count) => Shuffled(items)[..count];

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>FNV-1a of the UTF-8 bytes; <see cref="string.GetHashCode()"/> differs from run to run.</summary>
    private static ulong Hash(string name)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var value in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ value) * 0x100000001B3;
        }

        return hash;
    }
}
