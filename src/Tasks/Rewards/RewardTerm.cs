namespace MiniMaxSharp.Tasks;

/// <summary>One term of a reward; the reward is the sum of its terms.</summary>
/// <param name="Name">What was judged, such as <c>correct</c> or <c>format</c>.</param>
/// <param name="Value">What it adds to the reward, weight included.</param>
public sealed record RewardTerm(string Name, double Value);
