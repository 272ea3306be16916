using System.Globalization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>
/// The four absolute bounds of the unified policy objective (report 3.1, equations 4 to 7), r the ratio of new and old probability:
/// the weight of a token is r clipped to [IsWeightMin, IsWeightMax], and a token is left out when its advantage is positive and r above
/// RatioMax, or negative and r below RatioMin.
/// </summary>
/// <param name="IsWeightMax">Largest weight; at least 1. There is no default: implementations mean different things by an epsilon.</param>
/// <param name="IsWeightMin">Smallest weight.</param>
/// <param name="RatioMin">Infinite bounds switch the mask off.</param>
/// <param name="RatioMax">Infinite bounds switch the mask off.</param>
public sealed record PolicyBounds(
    float IsWeightMax, float IsWeightMin = 0, float RatioMin = float.NegativeInfinity, float RatioMax = float.PositiveInfinity)
{
    /// <summary>CISPO: the weight is capped and every token keeps a gradient.</summary>
    public static PolicyBounds Cispo(float isWeightMax) => new(isWeightMax);

    /// <summary>GRPO, DAPO and PPO: the plain ratio, and tokens that went too far are left out.</summary>
    public static PolicyBounds Grpo(float ratioMin, float ratioMax) => new(float.PositiveInfinity, 0, ratioMin, ratioMax);

    /// <summary>Importance-sampled REINFORCE.</summary>
    public static PolicyBounds ReinforceIs { get; } = new(float.PositiveInfinity);

    /// <summary>Refuses bounds that exclude a ratio of 1.</summary>
    /// <exception cref="InvalidInputException">Says which.</exception>
    public void Validate()
    {
        if (!(IsWeightMax >= 1) || !(IsWeightMin is >= 0 and <= 1) || !(RatioMin <= 1) || !(RatioMax >= 1))
        {
            throw new InvalidInputException(
                $"The bounds {this} exclude a ratio of 1, that of an unchanged policy. Bounds are absolute: an epsilon of 0.2 above is a maximum of 1.2.");
        }
    }

    /// <summary>The effective intervals in words, to be printed when a run starts.</summary>
    public string Describe()
    {
        static string Number(float value) => float.IsInfinity(value) ? (value > 0 ? "∞" : "−∞") : value.ToString("0.######", CultureInfo.InvariantCulture);
        var mask = float.IsInfinity(RatioMin) && float.IsInfinity(RatioMax)
            ? "no token is left out"
            : $"left out: A > 0 with ratio above {Number(RatioMax)}, A < 0 with ratio below {Number(RatioMin)}";
        return $"weight = ratio clipped to [{Number(IsWeightMin)}, {Number(IsWeightMax)}]; {mask}";
    }
}
