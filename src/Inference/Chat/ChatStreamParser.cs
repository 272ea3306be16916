using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Splits generated text into reasoning, content and tool calls while it arrives. The result does not depend on how the text is cut into pieces,
/// and takes linear time.
/// <list type="bullet">
/// <item><c>&lt;think&gt;</c> counts only at the beginning, after optional white space. All up to <c>&lt;/think&gt;</c> is reasoning; line ends after it are dropped.</item>
/// <item><c>&lt;tool_calls&gt;</c> counts in content only: objects <c>{"name": …, "arguments": {…}}</c> with white space between them, up to <c>&lt;/tool_calls&gt;</c>.
/// A call starts when its name and the brace of its arguments are there; then the arguments come verbatim.</item>
/// <item>Where a block is no such list, its text since the last complete call (from the tag on when there is none) is content, and so is what follows.
/// A call that has been started by then is first closed with <see cref="ChatDeltaKind.ToolCallMalformed"/>. A block without any call is content too.</item>
/// <item>A call that is cut off by the end of the text ends with <see cref="ChatDeltaKind.ToolCallMalformed"/>; its text is not given a second time.</item>
/// </list>
/// The state comes from the generated text alone, never from the prompt.
/// </summary>
public sealed class ChatStreamParser
{
    private const string ThinkTag = "<think>";
    private const string EndThinkTag = "</think>";
    private const string CallsTag = "<tool_calls>";
    private const string EndCallsTag = "</tool_calls>";

    private readonly string callIdPrefix;
    private readonly bool parsesToolCalls;
    private readonly StringBuilder held = new();
    private readonly StringBuilder pending = new();
    private readonly ToolCallScanner call = new();
    private ChatDeltaKind pendingKind;
    private Phase phase;
    private int tagMatched;
    private int callsBegun;
    private int callsInBlock;
    private bool callStarted;

    /// <summary>Makes a parser for one turn.</summary>
    /// <param name="startsInReasoning">True when the caller ended the prompt with <c>&lt;think&gt;</c>.</param>
    /// <param name="callIdPrefix">Call identifiers are this and the number of the call; unique within a conversation when the prefix is.</param>
    /// <param name="parsesToolCalls">False where no tool is offered: then a block of calls is content.</param>
    public ChatStreamParser(bool startsInReasoning = false, string callIdPrefix = "call_", bool parsesToolCalls = true)
    {
        phase = startsInReasoning ? Phase.Reasoning : Phase.Start;
        this.callIdPrefix = callIdPrefix;
        this.parsesToolCalls = parsesToolCalls;
    }

    private enum Phase
    {
        Start,
        Reasoning,
        AfterReasoning,
        Content,
        BetweenCalls,
        InCall,
        Finished,
    }

    /// <summary>True while the model is thinking: what the thinking budget counts.</summary>
    public bool InReasoning => phase == Phase.Reasoning;

    /// <summary>Tool calls that are complete.</summary>
    public int ToolCallCount { get; private set; }

    /// <summary>Parses a whole turn at once. Broken calls are left out; those that were not started are in the content.</summary>
    public static ChatMessage Parse(string generated, bool startsInReasoning = false, string callIdPrefix = "call_")
    {
        var parser = new ChatStreamParser(startsInReasoning, callIdPrefix);
        var deltas = new List<ChatDelta>();
        parser.Push(generated, deltas);
        parser.Finish(deltas);
        var text = new Dictionary<ChatDeltaKind, StringBuilder>();
        var calls = new List<ToolCall>();
        ChatDelta start = default;
        foreach (var delta in deltas)
        {
            var builder = text.GetValueOrDefault(delta.Kind) ?? (text[delta.Kind] = new StringBuilder());
            builder.Append(delta.Text);
            if (delta.Kind == ChatDeltaKind.ToolCallStart)
            {
                start = delta;
                text.Remove(ChatDeltaKind.ToolCallArguments);
            }
            else if (delta.Kind == ChatDeltaKind.ToolCallEnd)
            {
                calls.Add(new ToolCall(start.ToolCallId, start.Text, text[ChatDeltaKind.ToolCallArguments].ToString()));
            }
        }

        return ChatMessage.Assistant(
            text.GetValueOrDefault(ChatDeltaKind.Content)?.ToString() ?? "",
            text.GetValueOrDefault(ChatDeltaKind.Reasoning)?.ToString(),
            calls.Count > 0 ? calls : null);
    }

    /// <summary>Takes the next piece of generated text and appends what is decided by it to <paramref name="output"/>.</summary>
    public void Push(ReadOnlySpan<char> text, List<ChatDelta> output)
    {
        ObjectDisposedException.ThrowIf(phase == Phase.Finished, this);
        Take(text, output);
        Flush(output);
    }

    /// <summary>The generation has ended: what was held back is text.</summary>
    public void Finish(List<ChatDelta> output)
    {
        var inBlock = phase is Phase.BetweenCalls or Phase.InCall;
        var rest = held.ToString() + ActiveTag()[..tagMatched];
        if (callStarted)
        {
            EndCall(ChatDeltaKind.ToolCallMalformed, output);
        }
        else if (!inBlock || callsInBlock == 0 || !string.IsNullOrWhiteSpace(rest))
        {
            Emit(phase == Phase.Reasoning ? ChatDeltaKind.Reasoning : ChatDeltaKind.Content, rest, output);
        }

        Flush(output);
        tagMatched = 0;
        held.Clear();
        phase = Phase.Finished;
    }

    private string ActiveTag() => phase switch
    {
        Phase.Start => ThinkTag,
        Phase.Reasoning => EndThinkTag,
        Phase.Content => CallsTag,
        _ => EndCallsTag,
    };

    private void Take(ReadOnlySpan<char> text, List<ChatDelta> output)
    {
        while (text.Length > 0)
        {
            var taken = phase switch
            {
                Phase.Start => TakeStart(text[0], output),
                Phase.AfterReasoning => TakeAfterReasoning(text[0]),
                Phase.BetweenCalls => TakeBetweenCalls(text[0], output),
                Phase.InCall => TakeInCall(text[0], output),
                _ => TakeText(text, output),
            };
            text = text[taken..];
        }
    }

    /// <summary>Takes one character of the active tag. Null: it does not fit, and nothing was taken. True: the tag is complete.</summary>
    private bool? TakeTag(char c)
    {
        var tag = ActiveTag();
        if (c != tag[tagMatched])
        {
            return null;
        }

        tagMatched++;
        var complete = tagMatched == tag.Length;
        tagMatched = complete ? 0 : tagMatched;
        return complete;
    }

    private int TakeStart(char c, List<ChatDelta> output)
    {
        if (tagMatched == 0 && char.IsWhiteSpace(c))
        {
            held.Append(c);
            return 1;
        }

        if (TakeTag(c) is { } complete)
        {
            if (complete)
            {
                held.Clear();
                phase = Phase.Reasoning;
            }

            return 1;
        }

        BecomeContent(ThinkTag, output);
        return 0;
    }

    /// <summary>What was held is content, and so is the part of a tag that was matched, but that may begin another tag.</summary>
    private void BecomeContent(string tag, List<ChatDelta> output)
    {
        Emit(ChatDeltaKind.Content, held.ToString(), output);
        held.Clear();
        var matched = tag[..tagMatched];
        tagMatched = 0;
        phase = Phase.Content;
        Take(matched, output);
    }

    private int TakeAfterReasoning(char c)
    {
        if (c is '\n' or '\r')
        {
            return 1;
        }

        phase = Phase.Content;
        return 0;
    }

    /// <summary>Reasoning or content: all up to the tag that ends it.</summary>
    private int TakeText(ReadOnlySpan<char> text, List<ChatDelta> output)
    {
        var kind = phase == Phase.Reasoning ? ChatDeltaKind.Reasoning : ChatDeltaKind.Content;
        if (tagMatched == 0)
        {
            var plain = phase == Phase.Content && !parsesToolCalls ? -1 : text.IndexOf('<');
            plain = plain < 0 ? text.Length : plain;
            Emit(kind, text[..plain], output);
            tagMatched = plain < text.Length ? 1 : 0;
            return plain + tagMatched;
        }

        switch (TakeTag(text[0]))
        {
            case null:
                Emit(kind, ActiveTag().AsSpan(0, tagMatched), output);
                tagMatched = 0;
                return 0;
            case true when phase == Phase.Reasoning:
                phase = Phase.AfterReasoning;
                break;
            case true:
                held.Append(CallsTag);
                callsInBlock = 0;
                phase = Phase.BetweenCalls;
                break;
        }

        return 1;
    }

    private int TakeBetweenCalls(char c, List<ChatDelta> output)
    {
        if (tagMatched == 0 && char.IsWhiteSpace(c))
        {
            held.Append(c);
            return 1;
        }

        if (tagMatched == 0 && c == '{')
        {
            call.Reset();
            phase = Phase.InCall;
            return 0;
        }

        switch (TakeTag(c))
        {
            case null:
                BecomeContent(EndCallsTag, output);
                return 0;
            case true:
                Emit(ChatDeltaKind.Content, callsInBlock == 0 ? held.Append(EndCallsTag).ToString() : "", output);
                held.Clear();
                phase = Phase.Content;
                break;
        }

        return 1;
    }

    private int TakeInCall(char c, List<ChatDelta> output)
    {
        if (!call.Feed(c))
        {
            if (callStarted)
            {
                EndCall(ChatDeltaKind.ToolCallMalformed, output);
            }

            BecomeContent("", output);
            return 0;
        }

        held.Append(c);
        if (!callStarted && call.Name is not null && (call.HasArguments || call.Done))
        {
            Flush(output);
            callStarted = true;
            output.Add(new ChatDelta(ChatDeltaKind.ToolCallStart, call.Name, callsBegun, $"{callIdPrefix}{callsBegun}"));
            callsBegun++;
        }

        if (callStarted && call.Arguments.Length > 0)
        {
            foreach (var chunk in call.Arguments.GetChunks())
            {
                Emit(ChatDeltaKind.ToolCallArguments, chunk.Span, output);
            }

            call.Arguments.Clear();
        }

        if (call.Done)
        {
            Emit(ChatDeltaKind.ToolCallArguments, call.HasArguments ? "" : "{}", output);
            EndCall(ChatDeltaKind.ToolCallEnd, output);
            held.Clear();
            callsInBlock++;
            ToolCallCount++;
            phase = Phase.BetweenCalls;
        }

        return 1;
    }

    private void EndCall(ChatDeltaKind kind, List<ChatDelta> output)
    {
        Flush(output);
        output.Add(new ChatDelta(kind, "", callsBegun - 1));
        callStarted = false;
    }

    private void Emit(ChatDeltaKind kind, ReadOnlySpan<char> text, List<ChatDelta> output)
    {
        if (text.IsEmpty)
        {
            return;
        }

        if (pendingKind != kind)
        {
            Flush(output);
        }

        pendingKind = kind;
        pending.Append(text);
    }

    private void Flush(List<ChatDelta> output)
    {
        if (pending.Length > 0)
        {
            output.Add(new ChatDelta(pendingKind, pending.ToString(), pendingKind == ChatDeltaKind.ToolCallArguments ? callsBegun - 1 : -1));
            pending.Clear();
        }
    }
}
