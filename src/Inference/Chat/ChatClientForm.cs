using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The one place where <see cref="ChatOptions"/> give a form to the answer: JSON as response format, a required call, and tools that are marked as strict
/// (<see cref="AITool.AdditionalProperties"/> with <c>strict</c>).
/// </summary>
internal static class ChatClientForm
{
    /// <summary>The grammar of the answer; null for free text. A required call stands instead of a form, and JSON may give way to calls.</summary>
    /// <exception cref="InvalidInputException">A schema cannot be kept, or a call is required of a tool that is not offered.</exception>
    public static Grammar? Of(ChatOptions options, GrammarCache grammars)
    {
        var required = options.ToolMode as RequiredChatToolMode;
        AIFunctionDeclaration[] tools = options.ToolMode is NoneChatToolMode ? [] : [.. (options.Tools ?? []).OfType<AIFunctionDeclaration>()];
        if (required is not null)
        {
            tools = required.RequiredFunctionName is { } name ? [.. tools.Where(tool => tool.Name == name)] : tools;
            if (tools.Length == 0)
            {
                throw new InvalidInputException(
                    $"ToolMode requires a call of {(required.RequiredFunctionName is { } wanted ? $"the tool '{wanted}'" : "a tool")}, but Tools has none such. Offer it, or use ChatToolMode.Auto.");
            }
        }

        var parallel = options.AllowMultipleToolCalls ?? true;
        var strict = required is not null || tools.Any(IsStrict);
        GrammarTool[] callable = [.. tools.Select(tool => new GrammarTool(tool.Name, strict ? tool.JsonSchema : null))];
        var key = $"{required is not null} {parallel} {string.Join('\n', callable.Select(tool => $"{tool.Name} {tool.Parameters}"))}";
        if (required is not null)
        {
            return grammars.Of("call " + key, () => Grammar.ToolCallsRequired(callable, parallel));
        }

        if (options.ResponseFormat is ChatResponseFormatJson format)
        {
            var schema = format.Schema?.GetRawText();
            return tools.Length > 0 ? grammars.Of($"json or call {key}\n{schema}", () => JsonOrCalls(schema, callable, parallel))
                : grammars.Of($"json {schema}", () => schema is null ? Grammar.AnyJsonObject() : Grammar.FromJsonSchema(schema));
        }

        return strict ? grammars.Of("text or call " + key, () => Grammar.ToolCallsAllowed(callable, parallel)) : null;
    }

    private static Grammar JsonOrCalls(string? schema, GrammarTool[] tools, bool parallel) =>
        schema is null ? Grammar.JsonOrToolCalls((JsonElement?)null, tools, parallel) : Grammar.JsonOrToolCalls(schema, tools, parallel);

    private static bool IsStrict(AIFunctionDeclaration tool) => tool.AdditionalProperties.TryGetValue("strict", out var value) && value switch
    {
        bool flag => flag,
        JsonElement json => json.ValueKind == JsonValueKind.True,
        _ => false,
    };
}
