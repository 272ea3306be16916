using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>The text of a record, for counting, comparing and tokenizers: a named field, else <c>text</c>, else the contents of <c>messages</c>, else <c>prompt</c> and <c>completion</c>.</summary>
public static class RecordText
{
    /// <summary>The text.</summary>
    /// <param name="fields">The record.</param>
    /// <param name="field">Field that is asked for; null looks for the usual ones.</param>
    /// <param name="place">Name of the record for messages.</param>
    /// <exception cref="InvalidInputException">The field is not there or is no text.</exception>
    public static string Of(JsonElement fields, string? field, string place)
    {
        if (field is null && !fields.TryGetProperty("text", out _) && fields.TryGetProperty("messages", out _))
        {
            return string.Join('\n', Messages(fields, place).SelectMany(static message => new[] { message.ReasoningContent, message.Content.ToString() })
                .Where(static part => !string.IsNullOrEmpty(part)));
        }

        if (field is null && !fields.TryGetProperty("text", out _) && Completion(fields) is var (prompt, completion))
        {
            return prompt + completion;
        }

        var name = field ?? "text";
        return fields.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new InvalidInputException(
                $"{place}: there is no text field \"{name}\". Fields: {string.Join(", ", fields.EnumerateObject().Select(static property => property.Name))}. Name one with --field.");
    }

    /// <summary>Prompt and completion of a record that has both as text; else null.</summary>
    public static (string Prompt, string Completion)? Completion(JsonElement fields) =>
        fields.TryGetProperty("prompt", out var prompt) && fields.TryGetProperty("completion", out var completion)
        && prompt.ValueKind == JsonValueKind.String && completion.ValueKind == JsonValueKind.String
            ? (prompt.GetString()!, completion.GetString()!)
            : null;

    /// <summary>The messages of a record, also when they are JSON inside a text field (Parquet).</summary>
    /// <exception cref="InvalidInputException">They are malformed.</exception>
    public static IReadOnlyList<ChatMessage> Messages(JsonElement fields, string place)
    {
        if (fields.TryGetProperty("messages", out var list) && list.ValueKind == JsonValueKind.String)
        {
            return Conversation.Parse(System.Text.Encoding.UTF8.GetBytes($"{{\"messages\":{list.GetString()}}}"), place).Messages;
        }

        return Conversation.Parse(fields, place).Messages;
    }
}
