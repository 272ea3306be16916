using System.CommandLine;
using System.Runtime.InteropServices;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax chat</c>: a conversation at the terminal.</summary>
internal static class ChatCommand
{
    /// <summary>Name of the command, which handles Ctrl-C itself.</summary>
    public const string Name = "chat";

    private const string Help = """
        Talks with the model. Answers stream; thinking is dimmed. Lines that begin with a slash are commands:

        """ + "\n" + ChatSession.CommandHelp + "\n" + """

        Example:
          minimax chat --model /models/m1 --system "Answer in one sentence."
          minimax chat --model /models/m1 --mcp "npx -y @modelcontextprotocol/server-filesystem ." --mcp-allow read_file
        """;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var system = new Option<string?>("--system") { Description = "Instructions that stand before the conversation." };
        var mcp = new Option<string[]>("--mcp")
        {
            Description = "Offers the tools of an MCP server: a command line that speaks MCP on its standard streams, or an http address. May be given again.",
            HelpName = "SERVER",
        };
        var allow = new Option<string[]>("--mcp-allow") { Description = "A tool that runs without a question; * is all. May be given again.", HelpName = "TOOL" };
        var require = new Option<bool>("--mcp-require")
        {
            Description = "The first answer to each question is a call of a tool with arguments that fit its schema: for models that seldom call by themselves.",
        };
        var options = new GenerationOptions();
        var command = new Command(Name, Help) { system, mcp, allow, require };
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var servers = parsed.GetValue(mcp) ?? [];
            if (parsed.GetValue(require) && servers.Length == 0)
            {
                throw new InvalidInputException("--mcp-require asks for calls, but there are no tools. Give --mcp.");
            }

            using var engine = options.OpenEngine(parsed);
            var io = parsed.InvocationConfiguration;
            if (engine.Loaded.TokensThatFit() is var longest && longest < engine.Loaded.Config.MaxPositionEmbeddings)
            {
                RunOptions.NoteMemory(io.Error, engine.Loaded, longest);
                io.Error.WriteLine(FormattableString.Invariant(
                    $"note: the memory holds a conversation of {longest:N0} of the model's {engine.Loaded.Config.MaxPositionEmbeddings:N0} tokens."));
            }

            await using var tools = servers.Length > 0 ? await McpTools.Connect(servers, cancellationToken).ConfigureAwait(false) : null;
            var isTerminal = AnswerWriter.IsTerminal(io.Output);
            var round = tools is null ? null : new ToolRound(tools, parsed.GetValue(allow) ?? [], Console.In, io.Output, isTerminal && !Console.IsInputRedirected)
            {
                FirstAnswer = parsed.GetValue(require) ? tools.RequiredCall() : null,
            };
            using var session = new ChatSession(engine, options.Sampling(parsed), Console.In, io.Output, io.Error, isTerminal, round);
            session.SetSystem(parsed.GetValue(system));
            session.SetThinking(options.Thinking(parsed));

            // While no answer is coming the signal keeps its meaning and ends the program with 130.
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = session.StopAnswer());
            session.Run();
        });
        return command;
    }
}
