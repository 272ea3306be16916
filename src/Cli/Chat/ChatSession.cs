using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>A conversation at the terminal: questions, answers, and commands that begin with a slash.</summary>
internal sealed class ChatSession(InferenceEngine engine, SamplingParams sampling, TextReader input, TextWriter output, TextWriter error, bool isTerminal, ToolRound? tools = null) : IDisposable
{
    /// <summary>What the commands do.</summary>
    public const string CommandHelp = """
        /system TEXT   set the system prompt; without TEXT show it
        /think MODE    on, off, or a number of tokens of thinking; without MODE show it
        /save FILE     write the conversation as JSON
        /load FILE     continue a saved conversation
        /clear         forget the conversation, keep the system prompt
        /help          this list
        /exit          leave (also Ctrl-D)
        Ctrl-C stops the answer, not the program.
        """;

    private static readonly JsonSerializerOptions readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private const int MaxToolRounds = 16;
    private readonly List<ChatMessage> messages = [];
    private readonly Sequence sequence = engine.CreateSequence();
    private readonly Lock gate = new();
    private CancellationTokenSource? running;
    private string? system;
    private Thinking thinking = new(true, sampling.ThinkingBudget);

    /// <summary>The conversation so far, without the system prompt.</summary>
    public IReadOnlyList<ChatMessage> Messages => messages;

    /// <summary>Sets how much the model thinks.</summary>
    public void SetThinking(Thinking value) => thinking = value;

    /// <summary>Sets the system prompt.</summary>
    public void SetSystem(string? text) => system = string.IsNullOrWhiteSpace(text) ? null : text;

    /// <summary>Stops the answer that is coming; false when there is none.</summary>
    public bool StopAnswer()
    {
        lock (gate)
        {
            running?.Cancel();
            return running is not null;
        }
    }

    /// <summary>Reads and answers until the input ends or <c>/exit</c>.</summary>
    public void Run()
    {
        while (true)
        {
            Write(isTerminal ? "\n> " : string.Empty);
            if (input.ReadLine() is not { } line || line.Trim() is "/exit" or "/quit")
            {
                return;
            }

            try
            {
                if (line.StartsWith('/'))
                {
                    Execute(line);
                }
                else if (!string.IsNullOrWhiteSpace(line))
                {
                    Ask(line);
                }
            }
            catch (InvalidInputException problem)
            {
                error.WriteLine(problem.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        sequence.Dispose();
        running?.Dispose();
    }

    private void Execute(string line)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var (name, argument) = space < 0 ? (line.Trim(), string.Empty) : (line[..space], line[(space + 1)..].Trim());
        switch (name)
        {
            case "/system" when argument.Length == 0:
                output.WriteLine(system ?? "(no system prompt)");
                break;
            case "/system":
                SetSystem(argument);
                break;
            case "/think" when argument.Length == 0:
                output.WriteLine(thinking.ToString());
                break;
            case "/think":
                thinking = Thinking.TryParse(argument, out var mode) ? mode : throw new InvalidInputException("/think takes on, off, or a number of tokens.");
                break;
            case "/save":
                Save(argument);
                break;
            case "/load":
                Load(argument);
                break;
            case "/clear":
                messages.Clear();
                break;
            case "/help":
                output.WriteLine(CommandHelp);
                break;
            default:
                throw new InvalidInputException($"{name} is no command. /help lists them.");
        }
    }

    private void Ask(string question)
    {
        List<ChatMessage> turn = [ChatMessage.User(question)];
        using var stop = new CancellationTokenSource();
        SetRunning(stop);
        try
        {
            for (var round = 0; Answer(turn, stop.Token) is { Count: > 0 } calls && tools is not null; round++)
            {
                if (round == MaxToolRounds)
                {
                    error.WriteLine($"[stopped after {MaxToolRounds} rounds of tool calls]");
                    break;
                }

                turn.AddRange(tools.Run(calls, stop.Token).GetAwaiter().GetResult());
            }
        }
        catch (OperationCanceledException)
        {
            error.WriteLine("[stopped]");
        }
        finally
        {
            SetRunning(null);
        }

        messages.AddRange(turn);
    }

    /// <summary>Generates the next message of <paramref name="turn"/>, adds it, and gives its tool calls.</summary>
    private IReadOnlyList<ToolCall> Answer(List<ChatMessage> turn, CancellationToken cancellationToken)
    {
        var answer = new Answer(engine, sampling with { ThinkingBudget = thinking.Budget }, thinking, turn.Count == 1 ? tools?.FirstAnswer : null);
        ChatMessage[] asked = [.. system is null ? [] : new[] { ChatMessage.System(system) }, .. messages, .. turn];
        var prompt = answer.Prompt(new Conversation(asked) { Tools = tools?.Tools.Declarations });
        var progress = new TokenProgress(error, prompt.Length, ProgressLine.IsTerminal(error), TimeProvider.System);
        var writer = new AnswerWriter(output, error, isTerminal);
        try
        {
            var generation = answer.Stream(sequence, prompt, writer, progress, cancellationToken, $"call_{messages.Count + turn.Count}_");
            writer.End();
            error.WriteLine(Speed.Of(generation));
        }
        catch (OperationCanceledException)
        {
            writer.End();
            throw;
        }
        finally
        {
            progress.Finish();
            var calls = tools is null || cancellationToken.IsCancellationRequested ? [] : writer.ToolCalls;
            turn.Add(ChatMessage.Assistant(writer.Content, writer.Reasoning.Length > 0 ? writer.Reasoning : null, calls.Count > 0 ? calls : null));
        }

        return writer.ToolCalls;
    }

    private void SetRunning(CancellationTokenSource? stop)
    {
        lock (gate)
        {
            running = stop;
        }
    }

    private void Save(string path)
    {
        if (path.Length == 0)
        {
            throw new InvalidInputException("/save needs a file name.");
        }

        var conversation = new JsonObject { ["messages"] = new JsonArray([.. SavedMessages()]) };
        OutputFile.WriteText(path, conversation.ToJsonString(readable) + "\n");
        output.WriteLine($"{messages.Count} messages saved to {path}");
    }

    private IEnumerable<JsonNode> SavedMessages()
    {
        if (system is not null)
        {
            yield return new JsonObject { ["role"] = "system", ["content"] = system };
        }

        foreach (var message in messages)
        {
            var saved = new JsonObject { ["role"] = message.Role, ["content"] = message.Content.ToString() };
            if (message.ReasoningContent is not null)
            {
                saved["reasoning_content"] = message.ReasoningContent;
            }

            if (message.ToolCalls is { } calls)
            {
                saved["tool_calls"] = new JsonArray([.. calls.Select(SavedCall)]);
            }

            if (message.ToolCallId is { } id)
            {
                (saved["tool_call_id"], saved["name"]) = (id, message.Name);
            }

            yield return saved;
        }
    }

    private static JsonObject SavedCall(ToolCall call) => new()
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.ArgumentsJson },
    };

    private void Load(string path)
    {
        if (path.Length == 0)
        {
            throw new InvalidInputException("/load needs a file name.");
        }

        var loaded = Conversation.Parse(InputFile.ReadBytes(path), path).Messages;
        messages.Clear();
        messages.AddRange(loaded.Where(message => message.Role != "system"));
        var systemTexts = loaded.Where(message => message.Role == "system").Select(message => message.Content.ToString()).ToArray();
        system = systemTexts.Length > 0 ? string.Concat(systemTexts) : null;
        output.WriteLine($"{messages.Count} messages loaded from {path}");
    }

    private void Write(string text)
    {
        output.Write(text);
        output.Flush();
    }
}
