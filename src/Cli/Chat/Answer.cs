using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>One turn of a conversation: prompt, generation, and what of it is shown.</summary>
internal sealed class Answer(InferenceEngine engine, SamplingParams sampling, Thinking thinking, Grammar? grammar = null, bool raw = false)
{
    /// <summary>Token ids of the prompt for the next assistant turn.</summary>
    public int[] Prompt(Conversation conversation) => ChatPrompt.Encode(conversation, engine.Tokenizer, thinks: thinking.Enabled);

    /// <summary>Generates on <paramref name="sequence"/> and shows the answer; the generation says how it ended, also when it was cancelled.</summary>
    public Generation Stream(Sequence sequence, int[] prompt, AnswerWriter writer, IProgress<long> progress, CancellationToken cancellationToken, string callIdPrefix = "call_")
    {
        var start = thinking.Enabled && !raw ? GrammarStart.MayThink : GrammarStart.Content;
        var generation = engine.Start(sequence, prompt, sampling, grammar: grammar, grammarStart: start);
        var parser = new ChatStreamParser(callIdPrefix: callIdPrefix);
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
