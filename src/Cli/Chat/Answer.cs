using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>One turn of a conversation: prompt, generation, and what of it is shown.</summary>
internal sealed class Answer(InferenceEngine engine, SamplingParams sampling, Thinking thinking, Grammar? grammar = null, bool raw = false)
{
    private const string EmptyThinkBlock = "<think>\n\n</think>\n\n";

    /// <summary>Token ids of the prompt for the next assistant turn.</summary>
    public int[] Prompt(IReadOnlyList<ChatMessage> messages)
    {
        var rendered = ChatRenderer.Render(new Conversation(messages), ChatDialect.Repaired);
        var ids = ChatTokenizer.Tokenize(rendered, engine.Tokenizer).Ids;
        return thinking.Enabled ? ids : [.. ids, .. engine.Tokenizer.Encode(EmptyThinkBlock)];
    }

    /// <summary>Generates on <paramref name="sequence"/> and shows the answer; the generation says how it ended, also when it was cancelled.</summary>
    public Generation Stream(Sequence sequence, int[] prompt, AnswerWriter writer, IProgress<long> progress, CancellationToken cancellationToken)
    {
        var start = thinking.Enabled && !raw ? GrammarStart.MayThink : GrammarStart.Content;
        var generation = engine.Start(sequence, prompt, sampling, grammar: grammar, grammarStart: start);
        var parser = new ChatStreamParser();
        var deltas = new List<ChatDelta>();
        foreach (var token in generation.Tokens(cancellationToken, progress))
        {
            parser.Push(token.Text, deltas);
            writer.Write(deltas);
            deltas.Clear();
        }

        parser.Finish(deltas);
        writer.Write(deltas);
        return generation;
    }
}
