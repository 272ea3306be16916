using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>The stream of a message: message_start, one run of content_block events for each block, message_delta with the usage, message_stop.</summary>
internal sealed class MessageEvents(Exchange exchange, EventStream stream, string id)
{
    private readonly StringBuilder thinking = new();
    private ChatDeltaKind? open;
    private int index = -1;

    public async Task Write(ChatCall call, GenerationCall generation)
    {
        var begun = Messages.Usage(generation);
        begun["output_tokens"] = 0; // The engine may be ahead of the stream.
        await Send("message_start", ("message", Messages.Frame(exchange, id, begun))).ConfigureAwait(false);
        await Send("ping").ConfigureAwait(false);
        ChatStep last = default;
        await foreach (var step in ChatSteps.Of(exchange, call, generation).ConfigureAwait(false))
        {
            foreach (var delta in step.Deltas)
            {
                await Take(delta).ConfigureAwait(false);
            }

            last = step;
        }

        await CloseBlock().ConfigureAwait(false);
        var reason = new JsonObject { ["stop_reason"] = Messages.StopReason(last.FinishReason ?? FinishReason.Stop, last.StopText), ["stop_sequence"] = last.StopText };
        await Send("message_delta", ("delta", reason), ("usage", Messages.Usage(generation))).ConfigureAwait(false);
        await Send("message_stop").ConfigureAwait(false);
    }

    private async Task Take(ChatDelta delta)
    {
        switch (delta.Kind)
        {
            case ChatDeltaKind.Reasoning:
                await OpenBlock(delta.Kind, () => new JsonObject { ["type"] = "thinking", ["thinking"] = "", ["signature"] = "" }).ConfigureAwait(false);
                thinking.Append(delta.Text);
                await SendDelta("thinking_delta", "thinking", delta.Text).ConfigureAwait(false);
                break;
            case ChatDeltaKind.Content:
                await OpenBlock(delta.Kind, () => new JsonObject { ["type"] = "text", ["text"] = "" }).ConfigureAwait(false);
                await SendDelta("text_delta", "text", delta.Text).ConfigureAwait(false);
                break;
            case ChatDeltaKind.ToolCallStart:
                await CloseBlock().ConfigureAwait(false);
                await OpenBlock(
                    delta.Kind,
                    () => new JsonObject { ["type"] = "tool_use", ["id"] = delta.ToolCallId, ["name"] = delta.Text, ["input"] = new JsonObject() }).ConfigureAwait(false);
                break;
            case ChatDeltaKind.ToolCallArguments:
                await SendDelta("input_json_delta", "partial_json", delta.Text).ConfigureAwait(false);
                break;
            default:
                await CloseBlock().ConfigureAwait(false);
                break;
        }
    }

    private async Task OpenBlock(ChatDeltaKind kind, Func<JsonObject> block)
    {
        if (open == kind)
        {
            return;
        }

        await CloseBlock().ConfigureAwait(false);
        open = kind;
        index++;
        await Send("content_block_start", ("index", index), ("content_block", block())).ConfigureAwait(false);
    }

    private async Task CloseBlock()
    {
        if (open is null)
        {
            return;
        }

        if (open == ChatDeltaKind.Reasoning)
        {
            await SendDelta("signature_delta", "signature", MessagesReader.Signature(thinking.ToString())).ConfigureAwait(false);
            thinking.Clear();
        }

        open = null;
        await Send("content_block_stop", ("index", index)).ConfigureAwait(false);
    }

    private Task SendDelta(string type, string name, string value) =>
        Send("content_block_delta", ("index", index), ("delta", new JsonObject { ["type"] = type, [name] = value }));

    private Task Send(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> values)
    {
        var json = new JsonObject { ["type"] = type };
        foreach (var (name, value) in values)
        {
            json[name] = value;
        }

        return stream.Send(json, type);
    }
}
