namespace MiniMaxSharp.Inference;

/// <summary>From a conversation to the token ids of the prompt of its next assistant turn.</summary>
public static class ChatPrompt
{
    // What the model writes itself when it does not think.
    private const string EmptyThinkBlock = "<think>\n\n</think>\n\n";

    /// <summary>Token ids of the rendered conversation, in the repaired dialect.</summary>
    /// <param name="conversation">Messages and tools.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="reasoning">What becomes of earlier thinking.</param>
    /// <param name="thinks">False: the prompt ends with an empty think block.</param>
    /// <exception cref="InvalidInputException">The conversation cannot be rendered, or the tokenizer lacks a control token.</exception>
    public static int[] Encode(Conversation conversation, Tokenizer tokenizer, ReasoningHistory reasoning = ReasoningHistory.Strip, bool thinks = true)
    {
        var ids = ChatTokenizer.Tokenize(ChatRenderer.Render(conversation, ChatDialect.Repaired, reasoning), tokenizer).Ids;
        return thinks ? ids : [.. ids, .. tokenizer.Encode(EmptyThinkBlock)];
    }

    /// <summary>How many tokens of <paramref name="prompt"/> come from system messages and tools alone: where other conversations are likely to branch off; 0 without them.</summary>
    public static int SystemPrefixLength(Conversation conversation, Tokenizer tokenizer, ReadOnlySpan<int> prompt)
    {
        var system = conversation.Messages.Where(message => message.Role is "system" or "developer").ToArray();
        return system.Length == 0 && conversation.Tools is not { Count: > 0 }
            ? 0
            : prompt.CommonPrefixLength(Encode(conversation with { Messages = system, AddGenerationPrompt = false }, tokenizer));
    }
}
