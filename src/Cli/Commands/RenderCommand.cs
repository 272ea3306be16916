using System.CommandLine;
using System.Text;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax render</c>: prints the prompt text of a conversation.</summary>
internal static class RenderCommand
{
    private static readonly string[] modelFiles =
        ["tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "config.json"];

    public static Command Create()
    {
        var model = new Argument<DirectoryInfo>("MODEL") { Description = "Folder of a MiniMax-M1 model; its tokenizer files are enough." };
        var json = new Option<string>("--json")
        {
            Description = "Conversation file: {\"messages\": […], \"tools\": […], \"add_generation_prompt\": true}; - reads standard input.",
            HelpName = "CONVERSATION.json",
            Required = true,
        };
        var dialect = new Option<string>("--dialect")
        {
            Description = "official: the shipped template, with all that it drops and refuses. vllm: the template of vLLM. "
                + "repaired: the official layout with string content, tool calls and OpenAI tools.",
            DefaultValueFactory = _ => "official",
        };
        dialect.AcceptOnlyFromAmong("official", "vllm", "repaired");
        var command = new Command(
            "render",
            "Print the prompt text that a conversation becomes, exactly: no line end is added.\n\n"
                + "Example: minimax render models/m1-nano --json conversation.json --dialect repaired")
        {
            model, json, dialect,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            RequireModel(parsed.GetRequiredValue(model));
            var source = parsed.GetRequiredValue(json);
            var conversation = Conversation.Parse(InputFile.ReadBytes(source), InputFile.Name(source));
            var rendered = ChatRenderer.Render(conversation, Enum.Parse<ChatDialect>(parsed.GetRequiredValue(dialect), ignoreCase: true));
            await WriteAsync(parsed.InvocationConfiguration.Output, rendered.Text, cancel).ConfigureAwait(false);
        });
        return command;
    }

    private static void RequireModel(DirectoryInfo model)
    {
        if (!model.Exists)
        {
            throw new InvalidInputException($"{model}: there is no such folder. Give the folder of a model.");
        }

        if (!modelFiles.Any(name => File.Exists(Path.Combine(model.FullName, name))))
        {
            throw new InvalidInputException($"{model}: holds none of {string.Join(", ", modelFiles)}. Give the folder of a MiniMax-M1 model.");
        }
    }

    /// <summary>Writes UTF-8 whatever encoding the terminal claims; a writer that a caller gave is used as it is.</summary>
    private static async Task WriteAsync(TextWriter output, string text, CancellationToken cancel)
    {
        if (!ReferenceEquals(output, Console.Out))
        {
            await output.WriteAsync(text.AsMemory(), cancel).ConfigureAwait(false);
            return;
        }

        await using var stdout = Console.OpenStandardOutput();
        await stdout.WriteAsync(Encoding.UTF8.GetBytes(text), cancel).ConfigureAwait(false);
    }
}
