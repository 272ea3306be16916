using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>One answer of a text completion, in JSON as a whole or piece by piece. The prompt stands in the first piece where it is echoed.</summary>
internal sealed class CompletionChoice(RunningRequest running, Tokenizer tokenizer, CompletionForm form)
{
    private readonly StringBuilder text = new(form.Echo ? tokenizer.Decode(running.Request.Prompt.Span) : "");
    private readonly List<GeneratedToken> tokens = [];
    private FinishReason? finish;
    private int textOffset;
    private bool hasBegun;

    /// <summary>True when there is something to send.</summary>
    public bool HasNews => text.Length > 0 || tokens.Count > 0 || finish is not null;

    /// <summary>Takes an event of this answer.</summary>
    public void Add(GenerationEvent item)
    {
        text.Append(item.Token.Text);
        finish = item.FinishReason;
        if (item.Token.LogProb is not null && item.Token.Id >= 0)
        {
            tokens.Add(item.Token);
        }
    }

    /// <summary>What came since the last call.</summary>
    public JsonObject TakeJson(int index)
    {
        var json = new JsonObject
        {
            ["index"] = index,
            ["text"] = text.ToString(),
            ["logprobs"] = TakeLogProbs(),
            ["finish_reason"] = finish is { } reason ? OpenAiJson.Name(reason) : null,
        };
        if (!hasBegun && form.PromptLogProbs is { } alternatives)
        {
            json["prompt_logprobs"] = LogProbJson.OfPrompt(running, alternatives, tokenizer);
        }

        text.Clear();
        tokens.Clear();
        hasBegun = true;
        return json;
    }

    private JsonObject? TakeLogProbs()
    {
        var lists = new Lists();
        if (!hasBegun && form is { Echo: true, LogProbs: { } alternatives })
        {
            Add(lists, running.Request.Prompt.Span[0], null, null);
            foreach (var score in running.PromptLogProbs ?? [])
            {
                Add(lists, score.Id, score.LogProb, score.TopLogProbs.Take(alternatives));
            }
        }

        foreach (var token in tokens)
        {
            Add(lists, token.Id, token.LogProb, token.TopLogProbs ?? []);
        }

        return lists.Tokens.Count == 0 ? null : new JsonObject
        {
            ["tokens"] = lists.Tokens,
            ["token_logprobs"] = lists.LogProbs,
            ["top_logprobs"] = lists.Tops,
            ["text_offset"] = lists.Offsets,
        };
    }

    private void Add(Lists lists, int id, double? logProb, IEnumerable<TokenLogProb>? tops)
    {
        var name = LogProbJson.TextOf(id, tokenizer);
        lists.Tokens.Add((JsonNode)name);
        lists.LogProbs.Add(logProb is { } value ? (JsonNode)LogProbJson.Finite(value) : null);
        lists.Offsets.Add((JsonNode)textOffset);
        textOffset += name.Length;
        JsonObject? alternatives = tops is null ? null : [];
        foreach (var top in tops ?? [])
        {
            alternatives![LogProbJson.TextOf(top.Id, tokenizer)] = LogProbJson.Finite(top.LogProb);
        }

        lists.Tops.Add((JsonNode?)alternatives);
    }

    private sealed class Lists
    {
        public JsonArray Tokens { get; } = [];

        public JsonArray LogProbs { get; } = [];

        public JsonArray Tops { get; } = [];

        public JsonArray Offsets { get; } = [];
    }
}

/// <summary>What a text completion is to show.</summary>
/// <param name="Echo">The prompt before the answer.</param>
/// <param name="LogProbs">Alternatives at each token, with log-probabilities; null is off.</param>
/// <param name="PromptLogProbs">The same for the prompt, in vLLM's form.</param>
internal sealed record CompletionForm(bool Echo, int? LogProbs, int? PromptLogProbs)
{
    /// <summary>Reads the form of a request.</summary>
    public static CompletionForm Read(RequestFields fields) =>
        new(fields.Flag("echo") ?? false, LogProbJson.Alternatives(fields, "logprobs"), LogProbJson.OfPromptWanted(fields));

    /// <summary>Alternatives at each token of the prompt that the engine is to find; null is off.</summary>
    public int? AtPrompt => Echo && LogProbs is { } echoed ? Math.Max(echoed, PromptLogProbs ?? 0) : PromptLogProbs;
}
