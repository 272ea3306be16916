using System.Text;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>
/// Shows an answer while it comes. On a terminal thinking is dimmed; elsewhere the answer goes to the output and thinking to the error stream.
/// Control characters that a model might send to the terminal are made visible.
/// </summary>
internal sealed class AnswerWriter(TextWriter output, TextWriter error, bool isTerminal)
{
    private const string Dim = "\e[2m";
    private const string Plain = "\e[0m";
    private readonly StringBuilder content = new();
    private readonly StringBuilder reasoning = new();
    private readonly StringBuilder arguments = new();
    private readonly List<ToolCall> toolCalls = [];
    private ChatDelta callStart;
    private bool dimmed;

    /// <summary>The answer so far, without thinking.</summary>
    public string Content => content.ToString();

    /// <summary>The thinking so far.</summary>
    public string Reasoning => reasoning.ToString();

    /// <summary>The complete calls so far.</summary>
    public IReadOnlyList<ToolCall> ToolCalls => toolCalls;

    /// <summary>True when <paramref name="writer"/> is a terminal of this process.</summary>
    public static bool IsTerminal(TextWriter writer) => ReferenceEquals(writer, Console.Out) && !Console.IsOutputRedirected;

    /// <summary>Shows the next pieces.</summary>
    public void Write(IEnumerable<ChatDelta> deltas)
    {
        foreach (var delta in deltas)
        {
            switch (delta.Kind)
            {
                case ChatDeltaKind.Reasoning:
                    reasoning.Append(delta.Text);
                    SetDimmed(true);
                    (isTerminal ? output : error).Write(Visible(delta.Text));
                    break;
                case ChatDeltaKind.Content:
                    content.Append(delta.Text);
                    SetDimmed(false);
                    output.Write(Visible(delta.Text));
                    break;
                case ChatDeltaKind.ToolCallStart:
                    callStart = delta;
                    arguments.Clear();
                    SetDimmed(false);
                    output.Write($"\n[tool call] {Visible(delta.Text)} ");
                    break;
                case ChatDeltaKind.ToolCallArguments:
                    arguments.Append(delta.Text);
                    output.Write(Visible(delta.Text));
                    break;
                case ChatDeltaKind.ToolCallEnd:
                    toolCalls.Add(new ToolCall(callStart.ToolCallId, callStart.Text, arguments.ToString()));
                    break;
                case ChatDeltaKind.ToolCallMalformed:
                    output.Write(" [malformed]");
                    break;
                default:
                    break;
            }
        }

        output.Flush();
    }

    /// <summary>Ends the answer's line.</summary>
    public void End()
    {
        SetDimmed(false);
        output.WriteLine();
        output.Flush();
    }

    /// <summary>Replaces control characters other than line ends and tabs, so that a model cannot drive the terminal.</summary>
    internal static string Visible(string text) => text.Any(IsHarmful)
        ? string.Concat(text.Select(c => IsHarmful(c) ? '\uFFFD' : c))
        : text;

    private static bool IsHarmful(char c) => char.IsControl(c) && c is not ('\n' or '\t');

    private void SetDimmed(bool value)
    {
        if (dimmed == value)
        {
            return;
        }

        dimmed = value;
        if (isTerminal)
        {
            output.Write(value ? Dim : Plain + "\n");
        }
        else if (!value)
        {
            error.WriteLine();
        }
    }
}
