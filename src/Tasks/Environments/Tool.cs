using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>A function that the policy may call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does, in a sentence.</param>
/// <param name="Parameters">Names and descriptions of its parameters, all strings, all required.</param>
/// <param name="Run">Gives the result for the arguments, in the order of the parameters; a text that begins with <c>error:</c> when it cannot.</param>
public sealed record Tool(string Name, string Description, IReadOnlyList<(string Name, string Description)> Parameters, Func<IReadOnlyList<string>, string> Run)
{
    /// <summary>Longest argument that is looked at, in UTF-16 units.</summary>
    public const int MaxArgumentLength = 1000;

    /// <summary>The tool as an OpenAI function with a JSON Schema of its parameters.</summary>
    public JsonElement Describe()
    {
        var properties = new JsonObject();
        foreach (var (name, description) in Parameters)
        {
            properties[name] = new JsonObject { ["type"] = "string", ["description"] = description };
        }

        var function = new JsonObject
        {
            ["name"] = Name,
            ["description"] = Description,
            ["parameters"] = new JsonObject
            {
                ["type"] = "object",
                ["properties"] = properties,
                ["required"] = TaskJson.Array(Parameters.Select(parameter => parameter.Name)),
                ["additionalProperties"] = false,
            },
        };
        using var document = JsonDocument.Parse(TaskJson.Compact(new JsonObject { ["type"] = "function", ["function"] = function }));
        return document.RootElement.Clone();
    }

    /// <summary>Answers the calls of a message, one result each, in their order. A call that is wrong gets a result that says how.</summary>
    public static IReadOnlyList<ChatMessage> Answer(IReadOnlyList<Tool> tools, IReadOnlyList<ToolCall> calls) =>
        [.. calls.Select(call => ChatMessage.Tool(Result(tools, call), call.Name, call.Id))];

    private static string Result(IReadOnlyList<Tool> tools, ToolCall call)
    {
        if (tools.FirstOrDefault(tool => tool.Name == call.Name) is not { } tool)
        {
            return $"error: there is no tool of that name; the tools are {string.Join(", ", tools.Select(one => one.Name))}";
        }

        try
        {
            using var document = JsonDocument.Parse(call.ArgumentsJson ?? "{}");
            return tool.Arguments(document.RootElement, out var fault) is { } arguments ? tool.Run(arguments) : $"error: {fault}";
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return "error: the arguments are no JSON object"; // Invalid operation: a string with half a character.
        }
    }

    private string[]? Arguments(JsonElement given, out string fault)
    {
        fault = "";
        if (given.ValueKind != JsonValueKind.Object)
        {
            fault = "the arguments are no JSON object";
            return null;
        }

        if (given.EnumerateObject().FirstOrDefault(property => Parameters.All(parameter => parameter.Name != property.Name)) is { Value.ValueKind: not JsonValueKind.Undefined })
        {
            fault = $"unknown argument; {Name} takes {string.Join(", ", Parameters.Select(parameter => parameter.Name))}";
            return null;
        }

        var values = new string[Parameters.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var isText = given.TryGetProperty(Parameters[i].Name, out var value) && value.ValueKind == JsonValueKind.String;
            if (!isText || value.GetString()!.Length > MaxArgumentLength)
            {
                fault = $"the argument {Parameters[i].Name} must be a string of at most {MaxArgumentLength} characters";
                return null;
            }

            values[i] = value.GetString()!;
        }

        return values;
    }
}
