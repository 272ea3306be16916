using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>Runs the calls of a turn, each with the user's consent, and shows the results.</summary>
/// <param name="tools">The tools.</param>
/// <param name="allowed">Names that run without a question; <c>*</c> is all.</param>
/// <param name="input">Where the user answers.</param>
/// <param name="output">Where calls and results are shown.</param>
/// <param name="isTerminal">False: nobody can be asked, so what is not allowed does not run.</param>
internal sealed class ToolRound(McpTools tools, IEnumerable<string> allowed, TextReader input, TextWriter output, bool isTerminal)
{
    private const int ShownCharacters = 500;
    private readonly HashSet<string> allowed = [.. allowed];

    /// <summary>The tools.</summary>
    public McpTools Tools => tools;

    /// <summary>What the first answer to a question is held to; null for free text.</summary>
    public Grammar? FirstAnswer { get; init; }

    /// <summary>Runs calls one after another.</summary>
    /// <returns>One result for each call.</returns>
    public async Task<List<ChatMessage>> Run(IReadOnlyList<ToolCall> calls, CancellationToken cancellationToken)
    {
        var results = new List<ChatMessage>();
        foreach (var call in calls)
        {
            var text = await Consents(call).ConfigureAwait(false) ? await tools.Call(call, cancellationToken).ConfigureAwait(false) : "Error: the user did not allow this call.";
            var shown = text.Length > ShownCharacters ? text[..ShownCharacters] + $"… ({text.Length:N0} characters)" : text;
            await output.WriteLineAsync($"[tool result] {AnswerWriter.Visible(shown)}").ConfigureAwait(false);
            results.Add(ChatMessage.Tool(text, call.Name, call.Id));
        }

        return results;
    }

    private async Task<bool> Consents(ToolCall call)
    {
        if (allowed.Contains("*") || allowed.Contains(call.Name ?? ""))
        {
            return true;
        }

        var described = AnswerWriter.Visible($"{call.Name} {call.ArgumentsJson}");
        if (!isTerminal)
        {
            await output.WriteLineAsync($"[{described} did not run: allow it with --mcp-allow {AnswerWriter.Visible(call.Name ?? "")}]").ConfigureAwait(false);
            return false;
        }

        await output.WriteAsync($"Run {described}? [y]es, [n]o, [a]lways this tool: ").ConfigureAwait(false);
        await output.FlushAsync().ConfigureAwait(false);
        var answer = (input.ReadLine() ?? "").Trim().ToLowerInvariant();
        if (answer is "a" or "always")
        {
            allowed.Add(call.Name ?? "");
        }

        return answer is "y" or "yes" or "a" or "always";
    }
}
