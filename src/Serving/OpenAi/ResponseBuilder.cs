using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Builds the output items of a response and the events that tell of them.</summary>
internal sealed class ResponseBuilder(Exchange exchange, RequestFields fields, ChatCall call)
{
    private readonly string id = exchange.NewId("resp_");
    private readonly List<JsonObject> output = [];
    private readonly StringBuilder text = new();
    private ChatDeltaKind? open;
    private JsonObject? item;
    private int sequence;
    private FinishReason? finish;
    private ApiException? failure;

    /// <summary>An event with its number.</summary>
    public JsonObject Event(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> values)
    {
        var json = new JsonObject { ["type"] = type, ["sequence_number"] = sequence++ };
        foreach (var (name, value) in values)
        {
            json[name] = value;
        }

        return json;
    }

    /// <summary>The response failed.</summary>
    public void Fail(ApiException error) => failure = error;

    /// <summary>The events of a step.</summary>
    public IEnumerable<JsonObject> Take(ChatStep step)
    {
        foreach (var delta in step.Deltas)
        {
            foreach (var made in Take(delta))
            {
                yield return made;
            }
        }

        if (step.FinishReason is { } reason)
        {
            finish = reason;
            foreach (var made in Close(complete: reason != FinishReason.Length))
            {
                yield return made;
            }
        }
    }

    /// <summary>The response as it stands.</summary>
    /// <param name="ended">The generation that ended, for its usage; null while it runs.</param>
    public JsonObject ToJson(GenerationCall? ended) => new()
    {
        ["id"] = id,
        ["object"] = "response",
        ["created_at"] = exchange.Started.ToUnixTimeSeconds(),
        ["status"] = failure is not null ? "failed" : finish is null ? "in_progress" : finish == FinishReason.Length ? "incomplete" : "completed",
        ["error"] = failure is null ? null : new JsonObject { ["code"] = failure.Code ?? "server_error", ["message"] = failure.Message },
        ["incomplete_details"] = finish == FinishReason.Length ? new JsonObject { ["reason"] = "max_output_tokens" } : null,
        ["instructions"] = fields.Text("instructions"),
        ["max_output_tokens"] = call.Sampling.MaxTokens,
        ["model"] = exchange.Server.Model.Name,
        ["output"] = new JsonArray([.. output.Select(one => one.DeepClone())]),
        ["parallel_tool_calls"] = true,
        ["previous_response_id"] = null,
        ["store"] = false,
        ["temperature"] = call.Sampling.Temperature,
        ["top_p"] = call.Sampling.TopP,
        ["tool_choice"] = call.HasTools || !fields.Has("tools") ? "auto" : "none",
        ["tools"] = fields.Has("tools") ? JsonNode.Parse(fields.Element.GetProperty("tools").GetRawText()) : new JsonArray(),
        ["truncation"] = "disabled",
        ["metadata"] = fields.Object("metadata") is { } metadata ? JsonNode.Parse(metadata.Element.GetRawText()) : new JsonObject(),
        ["usage"] = ended is null ? null : Usage(ended),
    };

    private static JsonObject Usage(GenerationCall ended)
    {
        var usage = ended.Usage;
        return new JsonObject
        {
            ["input_tokens"] = usage.Prompt,
            ["input_tokens_details"] = OpenAiJson.PromptDetails(ended),
            ["output_tokens"] = usage.Completion,
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = usage.Reasoning },
            ["total_tokens"] = usage.Prompt + usage.Completion,
        };
    }

    private int Index => output.Count - 1;

    private string ItemId => item!["id"]!.GetValue<string>();

    private IEnumerable<JsonObject> Take(ChatDelta delta)
    {
        switch (delta.Kind)
        {
            case ChatDeltaKind.Reasoning or ChatDeltaKind.Content:
                if (open != delta.Kind)
                {
                    foreach (var made in Close(complete: true).Concat(Open(delta.Kind, delta)))
                    {
                        yield return made;
                    }
                }

                text.Append(delta.Text);
                yield return open == ChatDeltaKind.Content
                    ? Event("response.output_text.delta", ("item_id", ItemId), ("output_index", Index), ("content_index", 0), ("delta", delta.Text), ("logprobs", new JsonArray()))
                    : Event("response.reasoning_text.delta", ("item_id", ItemId), ("output_index", Index), ("content_index", 0), ("delta", delta.Text));
                break;
            case ChatDeltaKind.ToolCallStart:
                foreach (var made in Close(complete: true).Concat(Open(delta.Kind, delta)))
                {
                    yield return made;
                }

                break;
            case ChatDeltaKind.ToolCallArguments:
                text.Append(delta.Text);
                yield return Event("response.function_call_arguments.delta", ("item_id", ItemId), ("output_index", Index), ("delta", delta.Text));
                break;
            default:
                foreach (var made in Close(complete: delta.Kind == ChatDeltaKind.ToolCallEnd))
                {
                    yield return made;
                }

                break;
        }
    }

    private IEnumerable<JsonObject> Open(ChatDeltaKind kind, ChatDelta delta)
    {
        item = kind switch
        {
            ChatDeltaKind.Reasoning => new JsonObject
            {
                ["type"] = "reasoning",
                ["id"] = exchange.NewId("rs_"),
                ["status"] = "in_progress",
                ["summary"] = new JsonArray(),
                ["content"] = new JsonArray(),
            },
            ChatDeltaKind.Content => new JsonObject
            {
                ["type"] = "message",
                ["id"] = exchange.NewId("msg_"),
                ["status"] = "in_progress",
                ["role"] = "assistant",
                ["content"] = new JsonArray(),
            },
            _ => new JsonObject
            {
                ["type"] = "function_call",
                ["id"] = exchange.NewId("fc_"),
                ["status"] = "in_progress",
                ["call_id"] = delta.ToolCallId,
                ["name"] = delta.Text,
                ["arguments"] = "",
            },
        };
        open = kind;
        text.Clear();
        output.Add(item);
        yield return Event("response.output_item.added", ("output_index", Index), ("item", item.DeepClone()));
        if (kind != ChatDeltaKind.ToolCallStart)
        {
            yield return Event("response.content_part.added", ("item_id", ItemId), ("output_index", Index), ("content_index", 0), ("part", Part("")));
        }
    }

    private JsonObject Part(string value) => open == ChatDeltaKind.Content
        ? new JsonObject { ["type"] = "output_text", ["text"] = value, ["annotations"] = new JsonArray(), ["logprobs"] = new JsonArray() }
        : new JsonObject { ["type"] = "reasoning_text", ["text"] = value };

    private IEnumerable<JsonObject> Close(bool complete)
    {
        if (open is not { } kind)
        {
            yield break;
        }

        var value = text.ToString();
        if (kind == ChatDeltaKind.ToolCallStart)
        {
            item!["arguments"] = value;
            yield return Event(
                "response.function_call_arguments.done", ("item_id", ItemId), ("output_index", Index), ("name", item["name"]!.DeepClone()), ("arguments", value));
        }
        else
        {
            item!["content"]!.AsArray().Add((JsonNode)Part(value));
            yield return kind == ChatDeltaKind.Content
                ? Event("response.output_text.done", ("item_id", ItemId), ("output_index", Index), ("content_index", 0), ("text", value), ("logprobs", new JsonArray()))
                : Event("response.reasoning_text.done", ("item_id", ItemId), ("output_index", Index), ("content_index", 0), ("text", value));
            yield return Event("response.content_part.done", ("item_id", ItemId), ("output_index", Index), ("content_index", 0), ("part", Part(value)));
        }

        item["status"] = complete ? "completed" : "incomplete";
        open = null;
        yield return Event("response.output_item.done", ("output_index", Index), ("item", item.DeepClone()));
    }
}
