using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>A model as the endpoints see it: a name, a tokenizer, and a source of answers, which may be an engine here or anything that keeps its contract.</summary>
/// <param name="name">What clients call it.</param>
/// <param name="tokenizer">Its tokenizer, with the control tokens of the chat format.</param>
/// <param name="maxContext">Most tokens of prompt and answer together.</param>
/// <param name="submit">
/// Admits a request. Throws <see cref="InvalidInputException"/> for one that cannot run and <see cref="QueueFullException"/> when too many wait.
/// </param>
public sealed class ServedModel(string name, Tokenizer tokenizer, int maxContext, Func<GenerationRequest, RunningRequest> submit)
{
    /// <summary>What clients call it.</summary>
    public string Name { get; } = name;

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; } = tokenizer;

    /// <summary>Most tokens of prompt and answer together.</summary>
    public int MaxContext { get; } = maxContext;

    /// <summary>The engine, when the answers come from one here.</summary>
    internal InferenceEngine? Engine { get; private init; }

    /// <summary>When it was loaded.</summary>
    public DateTimeOffset Created { get; } = DateTimeOffset.UtcNow;

    /// <summary>The model of <paramref name="engine"/>; its folder's name when <paramref name="name"/> is null.</summary>
    public static ServedModel Of(InferenceEngine engine, string? name = null)
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(engine.Loaded.Folder));
        return new ServedModel(name ?? Path.GetFileName(folder), engine.Tokenizer, (int)engine.Loaded.Config.MaxPositionEmbeddings, engine.Submit) { Engine = engine };
    }

    /// <summary>The model as a chat client, beside the endpoints.</summary>
    public MiniMaxChatClient CreateChatClient() => new(Name, Tokenizer, submit);

    /// <summary>Admits a request.</summary>
    internal RunningRequest Submit(GenerationRequest request) => submit(request);
}
