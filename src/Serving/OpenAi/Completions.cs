using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary><c>POST /v1/completions</c>: continues text or token ids as they are, without the chat format.</summary>
internal static class Completions
{
    // What OpenAI generates when a request names no number.
    private const int DefaultMaxTokens = 16;

    /// <summary>Answers one request.</summary>
    public static async Task Handle(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        var rule = OutputConstraints.Read(fields, null);
        var tokenizer = exchange.Server.Model.Tokenizer;
        var form = CompletionForm.Read(fields);
        var sampling = SamplingFields.Read(fields, fields.Integer("max_tokens") ?? DefaultMaxTokens, fewest: 0);
        sampling = sampling with { LogProbs = form.LogProbs is not null, TopLogProbs = form.LogProbs ?? 0 };
        var count = OpenAiJson.Count(fields);
        var requests = Prompts(fields, tokenizer).Select(prompt => new GenerationRequest
        {
            Prompt = prompt,
            Sampling = sampling,
            Count = count,
            Grammar = rule is null ? null : exchange.Server.Grammars.Of(rule.Key, rule.Compile),
            GrammarStart = GrammarStart.Content,
            PromptLogProbs = form.AtPrompt,
        }).ToArray();
        if (requests.Length * count > GenerationRequest.MaxCount)
        {
            throw ApiException.BadField("n", $"{requests.Length} prompts with n = {count} are more than {GenerationRequest.MaxCount} answers. Send several requests.");
        }

        using var generation = GenerationCall.Begin(exchange, "text_completion", requests);
        var choices = generation.Running.SelectMany(running => Enumerable.Repeat(running, count))
            .Select(running => new CompletionChoice(running, tokenizer, form)).ToArray();
        if (fields.Flag("stream") ?? false)
        {
            await EventStream.Run(
                exchange,
                stream => Stream(exchange, stream, generation, choices, OpenAiJson.IncludesUsage(fields)),
                (stream, error) => OpenAiJson.SendError(exchange, stream, error)).ConfigureAwait(false);
            return;
        }

        await foreach (var item in generation.Events().ConfigureAwait(false))
        {
            choices[item.Choice].Add(item);
        }

        var json = Frame(exchange, exchange.NewId("cmpl-"), new JsonArray([.. choices.Select((choice, i) => choice.TakeJson(i))]));
        json["usage"] = OpenAiJson.Usage(generation);
        await exchange.WriteJson(json).ConfigureAwait(false);
    }

    private static async Task Stream(Exchange exchange, EventStream stream, GenerationCall generation, CompletionChoice[] choices, bool includeUsage)
    {
        var id = exchange.NewId("cmpl-");
        await foreach (var item in generation.Events().ConfigureAwait(false))
        {
            var choice = choices[item.Choice];
            choice.Add(item);
            if (choice.HasNews)
            {
                await stream.Send(Frame(exchange, id, new JsonArray(choice.TakeJson(item.Choice)))).ConfigureAwait(false);
            }
        }

        if (includeUsage)
        {
            var last = Frame(exchange, id, []);
            last["usage"] = OpenAiJson.Usage(generation);
            await stream.Send(last).ConfigureAwait(false);
        }

        await stream.SendDone().ConfigureAwait(false);
    }

    private static JsonObject Frame(Exchange exchange, string id, JsonArray choices) => new()
    {
        ["id"] = id,
        ["object"] = "text_completion",
        ["created"] = exchange.Started.ToUnixTimeSeconds(),
        ["model"] = exchange.Server.Model.Name,
        ["choices"] = choices,
    };

    /// <summary>A string, ids, or a list of strings or of lists of ids.</summary>
    private static List<int[]> Prompts(RequestFields fields, Tokenizer tokenizer)
    {
        if (!fields.Has("prompt"))
        {
            throw fields.Missing("prompt", "a string or a list of token ids");
        }

        var prompt = fields.Element.GetProperty("prompt");
        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0 || prompt[0].ValueKind == JsonValueKind.Number)
        {
            return [One(prompt, "prompt", tokenizer)];
        }

        return prompt.GetArrayLength() <= GenerationRequest.MaxCount
            ? [.. prompt.EnumerateArray().Select((item, i) => One(item, $"prompt[{i}]", tokenizer))]
            : throw ApiException.BadField("prompt", $"prompt has {prompt.GetArrayLength()} entries; at most {GenerationRequest.MaxCount} are taken.");
    }

    private static int[] One(JsonElement prompt, string at, Tokenizer tokenizer)
    {
        int[] ids = prompt.ValueKind == JsonValueKind.Array
            ? [.. prompt.EnumerateArray().Select((item, i) => RequestFields.AsInteger(item, $"{at}[{i}]"))]
            : tokenizer.Encode(RequestFields.AsText(prompt, at));
        return ids.Length == 0 ? throw ApiException.BadField(at, $"{at} is empty; give at least one token.")
            : ids.All(id => id >= 0 && id < tokenizer.VocabularySize) ? ids
            : throw ApiException.BadField(at, $"{at} has an id outside of 0 to {tokenizer.VocabularySize - 1}.");
    }
}
