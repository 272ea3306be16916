using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>A request for the next turn of a conversation, whichever protocol it came in.</summary>
/// <param name="Conversation">Messages and tools.</param>
/// <param name="Sampling">How tokens are drawn.</param>
/// <param name="Thinking">How much the model may think.</param>
internal sealed record ChatCall(Conversation Conversation, SamplingParams Sampling, ThinkingFields Thinking)
{
    /// <summary>Answers to give.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Numbers of messages after which the client marked the prompt as worth caching.</summary>
    public IReadOnlyList<int> CacheMarks { get; init; } = [];

    /// <summary>What the answer is held to; null for free text.</summary>
    public OutputRule? Rule { get; init; }

    /// <summary>Alternatives at each token of the prompt, whose log-probabilities are wanted; null is off.</summary>
    public int? PromptLogProbs { get; init; }

    /// <summary>True where tools are offered.</summary>
    public bool HasTools => Conversation.Tools is { Count: > 0 };

    /// <summary>The request for the engine.</summary>
    /// <exception cref="InvalidInputException">The conversation cannot be rendered.</exception>
    /// <exception cref="ApiException">The prompt is longer than the context.</exception>
    public GenerationRequest ToRequest(ServingState server)
    {
        var prompt = ChatPrompt.Encode(Conversation, server.Model.Tokenizer, server.Options.ReasoningHistory, Thinking.Enabled);
        if (prompt.Length >= server.Model.MaxContext)
        {
            throw new ApiException(
                Microsoft.AspNetCore.Http.StatusCodes.Status400BadRequest,
                FormattableString.Invariant($"The prompt has {prompt.Length:N0} tokens, but the context of this model is {server.Model.MaxContext:N0}. Shorten the conversation."),
                "messages",
                "context_length_exceeded");
        }

        return new GenerationRequest
        {
            Prompt = prompt,
            Sampling = Sampling with { ThinkingBudget = Thinking.Budget, MaxTokens = Sampling.MaxTokens ?? server.Options.DefaultMaxTokens },
            Count = Count,
            PromptLogProbs = PromptLogProbs,
            Grammar = Rule is null ? null : server.Grammars.Of(Rule.Key, Rule.Compile),
            GrammarStart = Thinking.Enabled ? null : GrammarStart.Content,
            CacheBreakpoints = [.. Breakpoints(server, prompt).Distinct().Order()],
        };
    }

    /// <summary>Token ids of a rendered conversation.</summary>
    public static int[] Prompt(ServingState server, Conversation conversation) =>
        ChatTokenizer.Tokenize(Render(server, conversation), server.Model.Tokenizer).Ids;

    /// <summary>The rendered conversation.</summary>
    public static RenderedChat Render(ServingState server, Conversation conversation) =>
        ChatRenderer.Render(conversation, ChatDialect.Repaired, server.Options.ReasoningHistory);

    /// <summary>The end of system prompt and tools, and the client's marks, as lengths of the prompt.</summary>
    private IEnumerable<int> Breakpoints(ServingState server, int[] prompt)
    {
        var system = Conversation.Messages.Where(message => message.Role is "system" or "developer").ToArray();
        if (system.Length > 0 || HasTools)
        {
            yield return CommonPrefix(server, system, prompt);
        }

        foreach (var mark in CacheMarks)
        {
            var before = Conversation.Messages.Take(mark).Concat(Conversation.Messages.Skip(mark).Where(message => message.Role is "system" or "developer"));
            yield return CommonPrefix(server, [.. before], prompt);
        }
    }

    private int CommonPrefix(ServingState server, IReadOnlyList<ChatMessage> messages, int[] prompt) =>
        prompt.AsSpan().CommonPrefixLength(Prompt(server, Conversation with { Messages = messages, AddGenerationPrompt = false }));
}
