namespace MiniMaxSharp.Inference;

/// <summary>
/// Ends thinking that takes too long: when the budget is used up, the tokens of a closing message and <c>&lt;/think&gt;</c> are forced one by one.
/// Asked once before each token.
/// </summary>
/// <param name="budget">Tokens of thinking that are allowed; null is off.</param>
/// <param name="closingIds">The closing message with its end tag.</param>
public sealed class ThinkingBudget(int? budget, IReadOnlyList<int> closingIds)
{
    private int forced;

    /// <summary>Tokens of thinking so far, without the forced ones.</summary>
    public int Used { get; private set; }

    /// <summary>True once the closing message has begun.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>Says whether the next token is forced. A token that is not forced counts when the model is thinking.</summary>
    /// <param name="inReasoning">Whether the model is thinking, as <see cref="ChatStreamParser.InReasoning"/> says.</param>
    /// <param name="id">The forced token.</param>
    public bool TryForce(bool inReasoning, out int id)
    {
        id = -1;
        if (!IsClosing && inReasoning)
        {
            IsClosing = Used >= budget;
            Used += IsClosing ? 0 : 1;
        }

        if (!IsClosing || forced == closingIds.Count)
        {
            return false;
        }

        id = closingIds[forced++];
        return true;
    }
}
