using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using AI = Microsoft.Extensions.AI;

namespace MiniMaxSharp.Inference;

/// <summary>
/// A MiniMax-M1 model as an <see cref="IChatClient"/>. Calls may run side by side. Each call carries the whole conversation; the prefix cache of the engine makes that cheap.
/// <para>
/// <see cref="ChatOptions.AdditionalProperties"/> knows <c>thinking_token_budget</c>, <c>enable_thinking</c>, <c>min_p</c> and <c>repetition_penalty</c>;
/// <see cref="ChatOptions.RawRepresentationFactory"/> may return <see cref="SamplingParams"/>, over which the other options stand.
/// A JSON response format, required calls, and tools whose <c>AdditionalProperties</c> have <c>strict</c> are kept token by token.
/// </para>
/// </summary>
public sealed class MiniMaxChatClient : IChatClient
{
    private readonly ChatClientMetadata metadata;
    private readonly Func<GenerationRequest, RunningRequest> submit;
    private readonly Tokenizer tokenizer;
    private readonly InferenceEngine? engine;
    private readonly bool ownsEngine;
    private readonly GrammarCache grammars = new();
    private bool disposed;

    /// <summary>A client of <paramref name="engine"/>.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="modelId">Name of the model; null is its folder's name.</param>
    /// <param name="leaveOpen">True: the engine outlives the client.</param>
    public MiniMaxChatClient(InferenceEngine engine, string? modelId = null, bool leaveOpen = false)
        : this(modelId ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(engine.Loaded.Folder))), engine.Tokenizer, engine.Submit)
    {
        this.engine = engine;
        ownsEngine = !leaveOpen;
    }

    /// <summary>A client of any source of answers that keeps the contract of <see cref="InferenceEngine.Submit"/>; the caller disposes of it.</summary>
    /// <param name="modelId">Name of the model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="submit">Admits a request.</param>
    public MiniMaxChatClient(string modelId, Tokenizer tokenizer, Func<GenerationRequest, RunningRequest> submit)
    {
        metadata = new ChatClientMetadata("minimax", defaultModelId: modelId);
        this.tokenizer = tokenizer;
        this.submit = submit;
    }

    /// <summary>Opens the checkpoint folder or .gguf file <paramref name="folder"/>; the client owns the engine.</summary>
    /// <exception cref="InvalidInputException">A file is missing, damaged or of another model.</exception>
    public static MiniMaxChatClient Open(string folder, ModelOptions? options = null) => new(InferenceEngine.Open(folder, options));

    /// <inheritdoc/>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<AI.ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <summary>The answer as it comes: reasoning, text, complete function calls, and last the usage.</summary>
    /// <exception cref="InvalidInputException">A message or option cannot be used.</exception>
    /// <exception cref="NotSupportedException">The options name a conversation, or a tool is no function.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<AI.ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        var request = Request(messages, options ?? new ChatOptions(), out var hasTools);
        var id = Guid.NewGuid().ToString("N");
        var turn = new ChatTurn(tokenizer, request.Sampling.Stop, hasTools, $"call_{id[..12]}_");
        var arguments = new CallArguments();
        using var running = submit(request);
        await foreach (var item in running.Events(cancellationToken).ConfigureAwait(false))
        {
            var step = turn.Take(item);
            foreach (var delta in step.Deltas)
            {
                if (Content(delta, arguments) is { } content)
                {
                    yield return Update(id, content);
                }
            }

            if (step.FinishReason is { } reason)
            {
                yield return Last(id, reason, running, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? metadata
            : serviceType == typeof(Tokenizer) ? tokenizer
            : serviceType == typeof(InferenceEngine) ? engine
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ownsEngine && !disposed)
        {
            engine?.Dispose();
        }

        disposed = true;
    }

    private GenerationRequest Request(IEnumerable<AI.ChatMessage> messages, ChatOptions options, out bool hasTools)
    {
        if (options.ModelId is { } model && model != metadata.DefaultModelId)
        {
            throw new InvalidInputException($"ModelId is '{model}', but this client runs '{metadata.DefaultModelId}'. Leave it out, or open that model.");
        }

        var asked = ChatClientOptions.Read(options, this);
        var conversation = ChatClientMessages.Read(messages, options);
        hasTools = conversation.Tools is { Count: > 0 };
        var prompt = ChatPrompt.Encode(conversation, tokenizer, thinks: asked.Thinks);
        var system = ChatPrompt.SystemPrefixLength(conversation, tokenizer, prompt);
        return new GenerationRequest
        {
            Prompt = prompt,
            Sampling = asked.Sampling,
            Grammar = ChatClientForm.Of(options, grammars),
            GrammarStart = asked.Thinks ? null : GrammarStart.Content,
            CacheBreakpoints = system > 0 ? [system] : [],
        };
    }

    private static AIContent? Content(ChatDelta delta, CallArguments arguments)
    {
        switch (delta.Kind)
        {
            case ChatDeltaKind.Reasoning when delta.Text.Length > 0:
                return new TextReasoningContent(delta.Text);
            case ChatDeltaKind.Content when delta.Text.Length > 0:
                return new TextContent(delta.Text);
            case ChatDeltaKind.ToolCallStart:
                arguments.Start = delta;
                arguments.Text.Clear();
                return null;
            case ChatDeltaKind.ToolCallArguments:
                arguments.Text.Append(delta.Text);
                return null;
            case ChatDeltaKind.ToolCallEnd:
                return new FunctionCallContent(arguments.Start.ToolCallId!, arguments.Start.Text, Parse(arguments.Text.ToString()));
            default:
                return null;
        }
    }

    private static Dictionary<string, object?> Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var parsed = new Dictionary<string, object?>();
        foreach (var property in document.RootElement.EnumerateObject())
        {
            parsed[property.Name] = property.Value.Clone();
        }

        return parsed;
    }

    private ChatResponseUpdate Last(string id, FinishReason reason, RunningRequest running, CancellationToken cancellationToken)
    {
        if (reason == FinishReason.TimedOut)
        {
            throw new TimeoutException("The request took longer than it is allowed to.");
        }

        if (reason == FinishReason.Cancelled)
        {
            throw new OperationCanceledException("The request was stopped before its answer was complete.", cancellationToken);
        }

        var update = Update(id, new UsageContent(new UsageDetails
        {
            InputTokenCount = running.PromptTokens,
            OutputTokenCount = running.CompletionTokens,
            TotalTokenCount = running.PromptTokens + running.CompletionTokens,
            CachedInputTokenCount = running.CachedTokens,
            ReasoningTokenCount = running.ReasoningTokens,
        }));
        update.FinishReason = reason switch
        {
            FinishReason.Length => ChatFinishReason.Length,
            FinishReason.ToolCalls => ChatFinishReason.ToolCalls,
            FinishReason.Repetition => new ChatFinishReason("repetition"),
            _ => ChatFinishReason.Stop,
        };
        return update;
    }

    private ChatResponseUpdate Update(string id, AIContent content) => new(ChatRole.Assistant, [content])
    {
        ResponseId = id,
        MessageId = id,
        ModelId = metadata.DefaultModelId,
        CreatedAt = DateTimeOffset.UtcNow,
    };

    /// <summary>The call whose arguments are coming.</summary>
    private sealed class CallArguments
    {
        public ChatDelta Start { get; set; }

        public StringBuilder Text { get; } = new();
    }
}
