using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary><c>POST /v1/responses</c>.</summary>
internal static class Responses
{
    /// <summary>Answers one request.</summary>
    public static async Task Handle(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        var call = ResponsesReader.Read(fields);
        exchange.LogPrompt(call.Conversation);
        using var generation = GenerationCall.Begin(exchange, "response", call.ToRequest(exchange.Server));
        var response = new ResponseBuilder(exchange, fields, call);
        if (fields.Flag("stream") ?? false)
        {
            await EventStream.Run(exchange, stream => Stream(exchange, stream, call, generation, response), (stream, error) => SendError(stream, response, error))
                .ConfigureAwait(false);
            return;
        }

        await foreach (var step in ChatSteps.Of(exchange, call, generation).ConfigureAwait(false))
        {
            foreach (var _ in response.Take(step))
            {
            }
        }

        await exchange.WriteJson(response.ToJson(generation)).ConfigureAwait(false);
    }

    private static async Task Stream(Exchange exchange, EventStream stream, ChatCall call, GenerationCall generation, ResponseBuilder response)
    {
        await Send(stream, response.Event("response.created", ("response", response.ToJson(null)))).ConfigureAwait(false);
        await Send(stream, response.Event("response.in_progress", ("response", response.ToJson(null)))).ConfigureAwait(false);
        FinishReason? finish = null;
        await foreach (var step in ChatSteps.Of(exchange, call, generation).ConfigureAwait(false))
        {
            finish = step.FinishReason;
            foreach (var item in response.Take(step))
            {
                await Send(stream, item).ConfigureAwait(false);
            }
        }

        var name = finish == FinishReason.Length ? "response.incomplete" : "response.completed";
        await Send(stream, response.Event(name, ("response", response.ToJson(generation)))).ConfigureAwait(false);
    }

    private static async Task SendError(EventStream stream, ResponseBuilder response, ApiException error)
    {
        await Send(stream, response.Event("error", ("code", error.Code ?? "server_error"), ("message", error.Message), ("param", error.Param))).ConfigureAwait(false);
        response.Fail(error);
        await Send(stream, response.Event("response.failed", ("response", response.ToJson(null)))).ConfigureAwait(false);
    }

    private static Task Send(EventStream stream, JsonObject item) => stream.Send(item, item["type"]!.GetValue<string>());
}
