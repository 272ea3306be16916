using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>One answer put together from its steps.</summary>
internal sealed class ChatAnswer
{
    private readonly StringBuilder reasoning = new();
    private readonly StringBuilder content = new();
    private readonly StringBuilder arguments = new();
    private readonly List<ToolCall> toolCalls = [];
    private ChatDelta start;

    public string Reasoning => reasoning.ToString();

    public string Content => content.ToString();

    /// <summary>The complete calls.</summary>
    public IReadOnlyList<ToolCall> ToolCalls => toolCalls;

    public FinishReason FinishReason { get; private set; }

    public string? StopText { get; private set; }

    /// <summary>Tokens with their log-probabilities, in OpenAI's form.</summary>
    public JsonArray LogProbs { get; } = [];

    /// <summary>All answers of a call.</summary>
    public static async Task<ChatAnswer[]> Collect(Exchange exchange, ChatCall call, GenerationCall generation)
    {
        var answers = Enumerable.Range(0, call.Count).Select(_ => new ChatAnswer()).ToArray();
        await foreach (var step in ChatSteps.Of(exchange, call, generation).ConfigureAwait(false))
        {
            answers[step.Choice].Add(step, exchange.Server.Model.Tokenizer);
        }

        return answers;
    }

    private void Add(ChatStep step, Tokenizer tokenizer)
    {
        foreach (var delta in step.Deltas)
        {
            Add(delta);
        }

        if (LogProbJson.OfChat(step.Token, tokenizer) is { } token)
        {
            LogProbs.Add((JsonNode)token);
        }

        FinishReason = step.FinishReason ?? FinishReason;
        StopText = step.StopText;
    }

    private void Add(ChatDelta delta)
    {
        switch (delta.Kind)
        {
            case ChatDeltaKind.Reasoning:
                reasoning.Append(delta.Text);
                break;
            case ChatDeltaKind.Content:
                content.Append(delta.Text);
                break;
            case ChatDeltaKind.ToolCallStart:
                start = delta;
                arguments.Clear();
                break;
            case ChatDeltaKind.ToolCallArguments:
                arguments.Append(delta.Text);
                break;
            case ChatDeltaKind.ToolCallEnd:
                toolCalls.Add(new ToolCall(start.ToolCallId, start.Text, arguments.ToString()));
                break;
            case ChatDeltaKind.ToolCallMalformed:
                break;
        }
    }
}
