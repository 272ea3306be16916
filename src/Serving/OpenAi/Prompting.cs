using System.Text.Json.Nodes;

namespace MiniMaxSharp.Serving;

/// <summary><c>/tokenize</c>, <c>/detokenize</c> and <c>/apply-template</c>: what the model would read.</summary>
internal static class Prompting
{
    /// <summary>Ids of <c>prompt</c> (plain text) or of <c>messages</c> (in the chat format).</summary>
    public static async Task Tokenize(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        var ids = fields.Has("messages")
            ? ChatCall.Prompt(exchange.Server, ChatCompletions.ReadConversation(fields))
            : exchange.Server.Model.Tokenizer.Encode(fields.RequiredText("prompt"));
        await exchange.WriteJson(new JsonObject
        {
            ["count"] = ids.Length,
            ["max_model_len"] = exchange.Server.Model.MaxContext,
            ["tokens"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]),
        }).ConfigureAwait(false);
    }

    /// <summary>Text of <c>tokens</c>.</summary>
    public static async Task Detokenize(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        if (!fields.Has("tokens"))
        {
            throw fields.Missing("tokens", "a list of token ids");
        }

        int[] ids = [.. fields.Integers("tokens")];
        var size = exchange.Server.Model.Tokenizer.VocabularySize;
        if (ids.Any(id => id < 0 || id >= size))
        {
            throw ApiException.BadField("tokens", $"tokens has an id outside of 0 to {size - 1}.");
        }

        await exchange.WriteJson(new JsonObject { ["prompt"] = exchange.Server.Model.Tokenizer.Decode(ids) }).ConfigureAwait(false);
    }

    /// <summary>The prompt text of <c>messages</c>.</summary>
    public static async Task ApplyTemplate(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        await exchange.WriteJson(new JsonObject { ["prompt"] = ChatCall.Render(exchange.Server, ChatCompletions.ReadConversation(fields)).Text }).ConfigureAwait(false);
    }
}
