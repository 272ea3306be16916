namespace MiniMaxSharp.Cli;

/// <summary>
/// The curves of Figure 1 (right) of the MiniMax-M1 report: cumulative FLOPs of generating N tokens. The coefficients fit the
/// markers of the vector figure to 5e-5 of its axis unit (specification section 10). They count other things than the exact
/// configurations do, so the ratios differ from those of <c>ModelCost</c>.
/// </summary>
internal static class ReportFigure1
{
    /// <summary>MiniMax-M1 as the report drew it, with 8 softmax layers instead of the 10 that were released.</summary>
    public static double MiniMaxM1(double tokens) => (2 * 52.2655e9 * tokens) + (8.0 * 64 * 384 * tokens * tokens);

    /// <summary>DeepSeek-R1 as the report drew it.</summary>
    public static double DeepSeekR1(double tokens) => (2 * 37.7073e9 * tokens) + (61.0 * 128 * 448 * tokens * tokens);

    /// <summary>Qwen3-235B-A22B as the report drew it.</summary>
    public static double Qwen3(double tokens) => (2 * 21.5184e9 * tokens) + (94.0 * 64 * 384 * tokens * tokens);
}
