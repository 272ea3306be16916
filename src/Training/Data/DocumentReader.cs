using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>What a run learns from its records.</summary>
public enum DocumentKind
{
    /// <summary>Every token of the text; long texts are cut.</summary>
    Text,

    /// <summary>
    /// The assistant's turns of <c>messages</c>, or the <c>completion</c> of a <c>prompt</c>: two texts in which special tokens may stand, so that a prompt can end
    /// in the midst of an answer. Neither is ever cut.
    /// </summary>
    Chat,
}

/// <summary>From records to token ids with a loss mask, and the split into training and held-out records.</summary>
/// <param name="tokenizer">Of the model.</param>
/// <param name="kind">What the records are.</param>
/// <param name="heldOutShare">Share of the records that is not trained on, 0 to 1. A record belongs to it by the hash of its text, or of the conversation
/// before the first answer, so that the same prompt is always on the same side.</param>
internal sealed class DocumentReader(Tokenizer tokenizer, DocumentKind kind, double heldOutShare)
{
    private const string EndOfText = "<end_of_sentence>";

    private readonly int endOfText = tokenizer.TryGetSpecial(EndOfText, out var id)
        ? id
        : throw new InvalidInputException($"The tokenizer has no token {EndOfText}, which ends a text. Use the tokenizer of a MiniMax-M1 model.");

    /// <summary>What the records are.</summary>
    public DocumentKind Kind => kind;

    /// <summary>True when the record is not to be trained on.</summary>
    public bool IsHeldOut(DrawnRecord record)
    {
        if (heldOutShare == 0)
        {
            return false;
        }

        var hash = 0UL;
        foreach (var character in Prompt(record))
        {
            hash = SeededPermutation.Mix(hash, character);
        }

        return hash * (1.0 / ulong.MaxValue) < heldOutShare;
    }

    /// <summary>The tokens of a record.</summary>
    /// <exception cref="InvalidInputException">The record is malformed; the message names its place.</exception>
    public TrainingDocument Read(DrawnRecord record)
    {
        if (kind == DocumentKind.Text)
        {
            int[] ids = [.. tokenizer.Encode(RecordText.Of(record.Fields, null, record.Place)), endOfText];
            return new TrainingDocument(ids, [.. Enumerable.Repeat(true, ids.Length)]);
        }

        if (RecordText.Completion(record.Fields) is var (prompt, completion))
        {
            var (given, learned) = (tokenizer.Encode(prompt, allowSpecial: true), tokenizer.Encode(completion, allowSpecial: true));
            return new TrainingDocument([.. given, .. learned, endOfText], [.. Enumerable.Repeat(false, given.Length), .. Enumerable.Repeat(true, learned.Length + 1)]);
        }

        var conversation = new Conversation(RecordText.Messages(record.Fields, record.Place)) { AddGenerationPrompt = false, Tools = ToolsOf(record) };
        var chat = ChatTokenizer.Tokenize(ChatRenderer.Render(conversation, ChatDialect.Repaired, ReasoningHistory.Keep), tokenizer);
        return new TrainingDocument(chat.Ids, chat.LossMask);
    }

    private static IReadOnlyList<JsonElement>? ToolsOf(DrawnRecord record) =>
        record.Fields.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array ? Conversation.Parse(record.Fields, record.Place).Tools : null;

    private string Prompt(DrawnRecord record) => kind == DocumentKind.Text
        ? RecordText.Of(record.Fields, null, record.Place)
        : RecordText.Completion(record.Fields) is var (prompt, _)
        ? prompt
        : string.Join('\0', RecordText.Messages(record.Fields, record.Place).TakeWhile(static message => message.Role != "assistant")
            .Select(static message => message.Content.ToString()));
}
