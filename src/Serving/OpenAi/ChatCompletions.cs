using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    /// <summary>Answers one request.</summary>
    public static async Task Handle(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        var call = Read(fields);
        exchange.LogPrompt(call.Conversation);
        using var generation = GenerationCall.Begin(exchange, "chat", call.ToRequest(exchange.Server));
        if (fields.Flag("stream") ?? false)
        {
            var chunks = new ChatChunks(exchange, call, OpenAiJson.IncludesUsage(fields));
            await EventStream.Run(
                exchange, stream => chunks.Write(stream, generation), (stream, error) => OpenAiJson.SendError(exchange, stream, error)).ConfigureAwait(false);
            return;
        }

        var answers = await ChatAnswer.Collect(exchange, call, generation).ConfigureAwait(false);
        var json = new JsonObject
        {
            ["id"] = exchange.NewId("chatcmpl-"),
            ["object"] = "chat.completion",
            ["created"] = exchange.Started.ToUnixTimeSeconds(),
            ["model"] = exchange.Server.Model.Name,
            ["choices"] = new JsonArray([.. answers.Select((answer, i) => Choice(answer, i, call.Sampling.LogProbs))]),
            ["usage"] = OpenAiJson.Usage(generation),
        };
        if (call.PromptLogProbs is { } alternatives)
        {
            json["prompt_logprobs"] = LogProbJson.OfPrompt(generation.Running[0], alternatives, exchange.Server.Model.Tokenizer);
        }

        await exchange.WriteJson(json).ConfigureAwait(false);
    }

    /// <summary>Reads a request.</summary>
    public static ChatCall Read(RequestFields fields)
    {
        var conversation = ReadConversation(fields);
        var sampling = SamplingFields.Read(fields, fields.Integer("max_completion_tokens") ?? fields.Integer("max_tokens"));
        var top = LogProbJson.Alternatives(fields, "top_logprobs") ?? 0;
        var logProbs = fields.Flag("logprobs") ?? false;
        return new ChatCall(
            conversation, sampling with { LogProbs = logProbs, TopLogProbs = logProbs ? top : 0 }, ThinkingFields.Read(fields))
        {
            Count = OpenAiJson.Count(fields),
            Rule = OutputConstraints.Read(fields, conversation.Tools),
            PromptLogProbs = LogProbJson.OfPromptWanted(fields),
        };
    }

    /// <summary>Messages and the tools that are offered.</summary>
    public static Conversation ReadConversation(RequestFields fields)
    {
        var conversation = Conversation.Parse(fields.Element, RequestFields.Source);
        if (conversation.Messages.Count == 0)
        {
            throw ApiException.BadField("messages", "messages is empty; give at least one message.");
        }

        return OutputConstraints.OffersTools(fields) ? conversation : conversation with { Tools = null };
    }

    private static JsonNode Choice(ChatAnswer answer, int index, bool logProbs)
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = answer.Content.Length == 0 && answer.ToolCalls.Count > 0 ? null : answer.Content };
        if (answer.Reasoning.Length > 0)
        {
            message["reasoning_content"] = answer.Reasoning;
        }

        if (answer.ToolCalls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. answer.ToolCalls.Select(one => new JsonObject
            {
                ["id"] = one.Id,
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = one.Name, ["arguments"] = one.ArgumentsJson },
            })]);
        }

        return new JsonObject
        {
            ["index"] = index,
            ["message"] = message,
            ["logprobs"] = logProbs ? new JsonObject { ["content"] = answer.LogProbs } : null,
            ["finish_reason"] = OpenAiJson.Name(answer.FinishReason),
        };
    }
}
