using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>How a piece of a prompt is tokenised.</summary>
public enum ChatSegmentKind
{
    /// <summary>Scaffolding or user text. Never read as a special token, so that a user cannot end a turn.</summary>
    Plain,

    /// <summary>One special token, such as <c>&lt;beginning_of_sentence&gt;</c>.</summary>
    Control,
}

/// <summary>A piece of a prompt.</summary>
/// <param name="Text">Its text, never empty.</param>
/// <param name="Kind">How it is tokenised.</param>
/// <param name="InLoss">True for what the assistant generated: the content of its turn and the token that ends it.</param>
public readonly record struct ChatSegment(string Text, ChatSegmentKind Kind, bool InLoss);

/// <summary>A rendered conversation.</summary>
/// <param name="Text">The whole prompt; equals the joined texts of the segments.</param>
/// <param name="Segments">The prompt in pieces.</param>
public sealed record RenderedChat(string Text, IReadOnlyList<ChatSegment> Segments);

/// <summary>Collects the pieces of a prompt; knows the frame of a turn.</summary>
internal sealed class ChatWriter
{
    private const string BeginOfDocument = "<begin_of_document>";
    private const string BeginningOfSentence = "<beginning_of_sentence>";
    private const string EndOfSentence = "<end_of_sentence>";

    private readonly List<ChatSegment> segments = [];
    private readonly StringBuilder text = new();

    public ChatWriter() => Add(BeginOfDocument, ChatSegmentKind.Control, inLoss: false);

    /// <summary>Opens a turn: the token, then the header with its line end.</summary>
    public void Open(string header)
    {
        Add(BeginningOfSentence, ChatSegmentKind.Control, inLoss: false);
        Add(header, ChatSegmentKind.Plain, inLoss: false);
    }

    /// <summary>Adds content of a turn.</summary>
    public void Plain(string content, bool inLoss = false) => Add(content, ChatSegmentKind.Plain, inLoss);

    /// <summary>Ends a turn: the token, then a line end that nobody generates.</summary>
    public void Close(bool inLoss = false)
    {
        Add(EndOfSentence, ChatSegmentKind.Control, inLoss);
        Add("\n", ChatSegmentKind.Plain, inLoss: false);
    }

    public RenderedChat ToRendered() => new(text.ToString(), segments);

    private void Add(string piece, ChatSegmentKind kind, bool inLoss)
    {
        if (piece.Length > 0)
        {
            segments.Add(new ChatSegment(piece, kind, inLoss));
            text.Append(piece);
        }
    }
}
