using System.Numerics;

namespace MiniMaxSharp.Inference;

/// <summary>Decay rates of lightning attention, ALiBi style (specification section 3). A heads, L layers.</summary>
public static class LightningSlopes
{
    /// <summary>
    /// Base slope of each head, [A]: <c>2^(-8(h+1)/A)</c> where A is a power of two. Otherwise the c heads of the power of two
    /// below come first, then every second slope of 2c heads.
    /// </summary>
    public static float[] Base(int heads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
        var slopes = new float[heads];
        var below = 1 << BitOperations.Log2((uint)heads);
        for (var h = 0; h < heads; h++)
        {
            slopes[h] = h < below ? PowerOfTwo(h, below) : PowerOfTwo(2L * (h - below), 2L * below);
        }

        return slopes;
    }

    /// <summary>
    /// Factor of layer l, <c>1 - l/(L-1) + 1e-5</c>, rounded to f32. l is the absolute layer index, L counts layers of both kinds.
    /// </summary>
    public static float LayerFactor(int layer, int layers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(layers, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, layers);
        return (float)(1 - ((double)layer / (layers - 1)) + 1e-5);
    }

    /// <summary>Slopes s[l, h] of one layer, [A]: f32 base times f32 factor. One token decays the state by <c>exp(-s)</c>.</summary>
    public static float[] ForLayer(int layer, int layers, int heads)
    {
        var factor = LayerFactor(layer, layers);
        var slopes = Base(heads);
        for (var h = 0; h < slopes.Length; h++)
        {
            slopes[h] *= factor;
        }

        return slopes;
    }

    private static float PowerOfTwo(long head, long heads) => (float)Math.Pow(2, -8.0 * (head + 1) / heads);
}
