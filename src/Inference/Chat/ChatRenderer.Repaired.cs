using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <content>The official layout with its gaps closed: what this library's chat, server and training use.</content>
public static partial class ChatRenderer
{
    private sealed class RepairedTemplate(Conversation conversation, ReasoningHistory reasoning)
    {
        private readonly ChatWriter writer = new();
        private readonly Dictionary<string, string> toolNameOfCall = new(StringComparer.Ordinal);

        public RenderedChat Render()
        {
            var messages = conversation.Messages;
            var system = string.Concat(messages.Select((message, i) => IsSystem(message) ? AllText(message, i) : ""));
            if (system.Length > 0)
            {
                writer.Open(SystemHeader);
                writer.Plain(system);
                writer.Close();
            }

            if (conversation.Tools is { Count: > 0 } tools)
            {
                WriteTools(writer, tools.Select(tool => PythonJson.Write(Unwrap(tool))), QuotedCallFormat);
            }

            for (var i = 0; i < messages.Count; i++)
            {
                WriteMessage(messages[i], i);
            }

            if (conversation.AddGenerationPrompt)
            {
                writer.Open(AssistantHeader);
            }

            return writer.ToRendered();
        }

        private static bool IsSystem(ChatMessage message) => message.Role is "system" or "developer";

        /// <summary>The inner object of an OpenAI tool, <c>{"type": "function", "function": {…}}</c>; other tools as they are.</summary>
        private static JsonElement Unwrap(JsonElement tool) =>
            tool.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object ? function : tool;

        private void WriteMessage(ChatMessage message, int index)
        {
            switch (message.Role)
            {
                case "system" or "developer":
                    break;
                case "user":
                    writer.Open("user name=user\n");
                    writer.Plain(AllText(message, index));
                    writer.Close();
                    break;
                case "assistant":
                    WriteAssistant(message, index);
                    break;
                case "tool" or "function" or "ipython":
                    WriteResults(message, index);
                    break;
                default:
                    throw new InvalidInputException(
                        $"messages[{index}].role is '{message.Role}'; use system, developer, user, assistant or tool.");
            }
        }

        private void WriteAssistant(ChatMessage message, int index)
        {
            // As in the official template, parts that are no text are left out of the model's own turns.
            var text = message.Content.ToString();
            var turn = new StringBuilder();
            if (reasoning == ReasoningHistory.Keep && message.ReasoningContent is { Length: > 0 } thought)
            {
                turn.Append("<think>\n").Append(thought.Trim('\n')).Append("\n</think>\n\n");
            }

            turn.Append(text);
            if (message.ToolCalls is { Count: > 0 } calls)
            {
                turn.Append(text.Length == 0 || text.EndsWith('\n') ? "" : "\n").Append("<tool_calls>\n");
                for (var i = 0; i < calls.Count; i++)
                {
                    AppendCall(turn, calls[i], $"messages[{index}].tool_calls[{i}].function");
                }

                turn.Append("</tool_calls>");
            }

            writer.Open(AssistantHeader);
            writer.Plain(turn.ToString(), inLoss: message.IsLearned);
            writer.Close(inLoss: message.IsLearned);
        }

        private void AppendCall(StringBuilder turn, ToolCall call, string path)
        {
            var name = call.Name ?? throw new InvalidInputException($"{path}.name is missing; give the name of the tool that is called.");
            if (call.Id is not null)
            {
                toolNameOfCall[call.Id] = name;
            }

            var arguments = string.IsNullOrWhiteSpace(call.ArgumentsJson) || call.ArgumentsJson == "null"
                ? "{}"
                : CanonicalJson(call.ArgumentsJson, $"{path}.arguments");
            if (arguments[0] != '{')
            {
                throw new InvalidInputException($"{path}.arguments must be a JSON object, but it is {arguments}.");
            }

            turn.Append("{\"name\": ");
            PythonJson.AppendString(turn, name);
            turn.Append(", \"arguments\": ").Append(arguments).Append("}\n");
        }

        private void WriteResults(ChatMessage message, int index)
        {
            var name = message.Name ?? (message.ToolCallId is { } id ? toolNameOfCall.GetValueOrDefault(id) : null);
            writer.Open(ToolHeader);
            if (message.Content.Kind != MessageContentKind.Parts)
            {
                writer.Plain(ToolResult(name, AllText(message, index)));
            }

            foreach (var (position, part) in message.Content.Parts.Index())
            {
                RequireText(part, index, position);
                writer.Plain(ToolResult(string.IsNullOrEmpty(part.Name) ? name : part.Name, part.Text!));
            }

            writer.Close();
        }

        /// <summary>All text of a message that is not the assistant's; a part that the model cannot read is refused, not dropped.</summary>
        private static string AllText(ChatMessage message, int index)
        {
            if (message.Content.Kind is MessageContentKind.Absent or MessageContentKind.Null)
            {
                throw new InvalidInputException($"messages[{index}].content is {Describe(message.Content.Kind)}; give a string or a list of text parts.");
            }

            foreach (var (position, part) in message.Content.Parts.Index())
            {
                RequireText(part, index, position);
            }

            return message.Content.ToString();
        }

        private static void RequireText(ContentPart part, int index, int position)
        {
            if (!part.IsText || part.Text is null)
            {
                throw new InvalidInputException(
                    $"messages[{index}].content[{position}] is of type '{part.Type}'{(part.Type == "text" ? " without text" : "")}; MiniMax-M1 reads text only. Remove the part.");
            }
        }
    }
}
