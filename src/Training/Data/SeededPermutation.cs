namespace MiniMaxSharp.Training;

/// <summary>
/// A shuffled order of 0 … count − 1 that needs no memory: a Feistel network of four rounds over the next power of four, walked until the result lies
/// in range. The order depends on the seed alone, on every machine.
/// </summary>
internal readonly struct SeededPermutation
{
    private readonly ulong seed;
    private readonly ulong count;
    private readonly int halfBits;

    public SeededPermutation(ulong seed, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        this.seed = seed;
        this.count = (ulong)count;
        halfBits = Math.Max(1, (65 - System.Numerics.BitOperations.LeadingZeroCount(this.count - 1)) / 2);
    }

    /// <summary>Which item stands at a place.</summary>
    public long this[long place]
    {
        get
        {
            var value = (ulong)place;
            do
            {
                value = Encrypt(value);
            }
            while (value >= count);
            return (long)value;
        }
    }

    /// <summary>A hash of two numbers (the finaliser of SplitMix64).</summary>
    public static ulong Mix(ulong seed, ulong value)
    {
        var z = seed + ((value + 1) * 0x9E3779B97F4A7C15UL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    private ulong Encrypt(ulong value)
    {
        var mask = (1UL << halfBits) - 1;
        var (left, right) = (value >> halfBits, value & mask);
        for (var round = 0UL; round < 4; round++)
        {
            (left, right) = (right, left ^ (Mix(seed + round, right) & mask));
        }

        return (left << halfBits) | right;
    }
}
