using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using AI = Microsoft.Extensions.AI;

namespace MiniMaxSharp.Inference;

/// <summary>From messages and tools of Microsoft.Extensions.AI to a <see cref="Conversation"/>.</summary>
internal static class ChatClientMessages
{
    /// <summary>Reads messages, instructions and tools.</summary>
    /// <exception cref="InvalidInputException">A message has content that the model cannot read.</exception>
    /// <exception cref="NotSupportedException">A tool is no function.</exception>
    public static Conversation Read(IEnumerable<AI.ChatMessage> messages, ChatOptions options)
    {
        var read = new List<ChatMessage>();
        if (!string.IsNullOrEmpty(options.Instructions))
        {
            read.Add(ChatMessage.System(options.Instructions));
        }

        var names = new Dictionary<string, string>();
        foreach (var message in messages)
        {
            Add(message, names, read);
        }

        return read.Count == 0
            ? throw new InvalidInputException("There are no messages. Give at least one.")
            : new Conversation(read) { Tools = options.ToolMode is NoneChatToolMode || options.Tools is not { Count: > 0 } tools ? null : [.. tools.Select(Declaration)] };
    }

    /// <summary>JSON text of the arguments of a call.</summary>
    public static string ArgumentsJson(IDictionary<string, object?>? arguments) =>
        arguments is null ? "{}" : JsonSerializer.Serialize(arguments, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)));

    /// <summary>Adds one message, or one for each tool result that it holds.</summary>
    /// <param name="message">The message.</param>
    /// <param name="names">Names of the tools by call, filled on the way: results carry only the call.</param>
    /// <param name="read">Takes the messages.</param>
    private static void Add(AI.ChatMessage message, Dictionary<string, string> names, List<ChatMessage> read)
    {
        var (text, reasoning, calls, results) = (new List<string>(), new List<string>(), new List<ToolCall>(), 0);
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent given:
                    text.Add(given.Text);
                    break;
                case TextReasoningContent thought:
                    reasoning.Add(thought.Text);
                    break;
                case FunctionCallContent call:
                    names[call.CallId] = call.Name;
                    calls.Add(new ToolCall(call.CallId, call.Name, ArgumentsJson(call.Arguments)));
                    break;
                case FunctionResultContent result:
                    read.Add(ChatMessage.Tool(ResultText(result), names.GetValueOrDefault(result.CallId), result.CallId));
                    results++;
                    break;
                case UsageContent or ErrorContent:
                    break;
                default:
                    throw new InvalidInputException(
                        $"A {message.Role.Value} message holds {content.GetType().Name}, but the model reads text, reasoning, function calls and their results only. Leave it out, or describe it in words.");
            }
        }

        if (text.Count + reasoning.Count + calls.Count > 0 || results == 0)
        {
            read.Add(new ChatMessage(message.Role.Value, new MessageContent([.. text.Select(part => ContentPart.OfText(part))]))
            {
                ReasoningContent = reasoning.Count > 0 ? string.Concat(reasoning) : null,
                ToolCalls = calls.Count > 0 ? calls : null,
            });
        }
    }

    private static string ResultText(FunctionResultContent result) => result.Result switch
    {
        null => result.Exception is { } failure ? $"Error: {failure.Message}" : "null",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        JsonElement json => json.GetRawText(),
        JsonNode node => node.ToJsonString(),
        TextContent text => text.Text,
        IEnumerable<AIContent> parts => string.Concat(parts.OfType<TextContent>().Select(part => part.Text)),
        var value => AIJsonUtilities.DefaultOptions.TryGetTypeInfo(value.GetType(), out var type) ? JsonSerializer.Serialize(value, type) : value.ToString() ?? "",
    };

    private static JsonElement Declaration(AITool tool)
    {
        if (tool is not AIFunctionDeclaration function)
        {
            throw new NotSupportedException($"The tool {tool.Name} ({tool.GetType().Name}) is no function. This client offers functions only.");
        }

        var declared = new JsonObject
        {
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = function.Name,
                ["description"] = function.Description,
                ["parameters"] = JsonNode.Parse(function.JsonSchema.GetRawText()),
            },
        };
        using var document = JsonDocument.Parse(declared.ToJsonString());
        return document.RootElement.Clone();
    }
}
