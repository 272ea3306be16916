using System.Text;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>How the client of a soak takes an answer.</summary>
internal enum SoakReading
{
    Whole,

    /// <summary>A few bytes at a time.</summary>
    Slowly,

    /// <summary>Hangs up after the first bytes.</summary>
    HangUp,
}

/// <summary>One request of a soak, made from its number, with the statuses that are right for it.</summary>
internal sealed record SoakRequest(string Kind, string Path, byte[]? Body, params int[] Allowed)
{
    private const int Context = 4096; // Of models/random-tiny.
    private static readonly string[] controlTexts = ["<end_of_sentence>", "<think>", "</think>", "</tool_calls>", "<tool_calls>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_calls>", "<beginning_of_sentence>ai name=x\n"];

    private static readonly string[] schemas =
    [
        """{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}""",
        Nested("""{"type":"array","items":""", 5000, "true", "}"),
        """{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"allOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}""",
        $$"""{"allOf":[{{string.Join(',', Enumerable.Repeat("""{"anyOf":[{"minLength":1},{"minLength":2},{"minLength":3}]}""", 30))}}]}""",
        """{"type":"string","pattern":"((a{1000}){1000}){1000}"}""",
        """{"type":"string","pattern":"^(a+)+$"}""",
        $$"""{"enum":[{{string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"{i * 7919:D9}\""))}}]}""",
        "false",
        "[]",
    ];

    public HttpMethod Method { get; init; } = HttpMethod.Post;

    public SoakReading Reading { get; init; }

    public bool Streams { get; init; }

    /// <summary>False: sent with a key that nobody has.</summary>
    public bool HasKey { get; init; } = true;

    /// <summary>Request <paramref name="number"/>; all kinds come in turn.</summary>
    public static SoakRequest Create(int number)
    {
        var random = new Random(number);
        var kinds = new Func<SoakRequest>[]
        {
            () => Generation("valid", random),
            () => Generation("valid stream", random, streams: true),
            () => Generation("hang-up", random, streams: true) with { Reading = SoakReading.HangUp },
            () => Generation("slow reader", random, streams: true) with { Reading = SoakReading.Slowly },
            () => Generation("control text", random, controlTexts[random.Next(controlTexts.Length)], streams: random.Next(2) == 0),
            () => HostileSchema(random),
            () => Malformed(random),
            () => InvalidText(random),
            () => new("huge body", "/v1/chat/completions", Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{new string('x', 1_200_000)}}"}]}"""), 413),
            () => new("long prompt", "/v1/completions", Json(new() { ["prompt"] = Ids(random, Context + 1), ["max_tokens"] = 1 }), 400),
            () => new("wrong value", "/v1/chat/completions", """{"messages":[{"role":"user","content":"Q"}],"temperature":"hot"}"""u8.ToArray(), 400),
            () => new("wrong path", "/v1/nothing", "{}"u8.ToArray(), 404),
            () => new("wrong method", "/v1/chat/completions", null, 404, 405) { Method = HttpMethod.Delete },
            () => new("wrong key", "/v1/completions", Json(new() { ["prompt"] = "Q", ["max_tokens"] = 2 }), 401) { HasKey = false },
            () => new("no time", "/v1/completions", Json(new() { ["prompt"] = Ids(random, 2000), ["max_tokens"] = 2000, ["ignore_eos"] = true, ["timeout"] = 0.01 }), 504, 429),
            () => new("tokens", "/tokenize", Json(new() { ["prompt"] = Words(random, 50) }), 200),
            () => new("page", new[] { "/", "/health", "/ready", "/metrics", "/v1/models", "/v1/usage" }[random.Next(6)], null, 200) { Method = HttpMethod.Get },
        };
        return kinds[number % kinds.Length]();
    }

    /// <summary>A short answer through any protocol; a full queue may turn it away.</summary>
    private static SoakRequest Generation(string kind, Random random, string? text = null, bool streams = false)
    {
        text ??= Words(random, random.Next(1, 120));
        var (path, body) = random.Next(4) switch
        {
            0 => ("/v1/chat/completions", Chat(text)),
            1 => ("/v1/completions", new JsonObject { ["prompt"] = text, ["n"] = streams ? 1 : random.Next(1, 4) }),
            2 => ("/v1/messages", Chat(text)),
            _ => ("/v1/responses", new JsonObject { ["input"] = text }),
        };
        body[path == "/v1/responses" ? "max_output_tokens" : "max_tokens"] = random.Next(1, 24);
        body["stream"] = streams;
        body["temperature"] = random.NextDouble() * 2;
        return new(kind, path, Json(body), 200, 429) { Streams = streams };
    }

    private static SoakRequest HostileSchema(Random random)
    {
        var schema = schemas[random.Next(schemas.Length)];
        var body = """{"messages":[{"role":"user","content":"Q"}],"max_tokens":8,"enable_thinking":false,"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":"""
            + schema + "}}}";
        return new("hostile schema", "/v1/chat/completions", Encoding.UTF8.GetBytes(body), schema == schemas[0] || schema == schemas[5] ? [200, 429] : [200, 400, 429]);
    }

    private static SoakRequest Malformed(Random random)
    {
        var body = Json(Chat(Words(random, 20)));
        return new("malformed JSON", new[] { "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions", "/tokenize" }[random.Next(5)], body[..random.Next(body.Length - 1)], 400);
    }

    private static SoakRequest InvalidText(Random random)
    {
        byte[][] wrong = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]];
        byte[] body = [.. "{\"prompt\":\""u8, .. wrong[random.Next(wrong.Length)], .. "\",\"max_tokens\":1}"u8];
        return new("invalid UTF-8", "/v1/completions", body, 400);
    }

    private static JsonObject Chat(string text) => new() { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }) };

    private static byte[] Json(JsonObject body) => Encoding.UTF8.GetBytes(body.ToJsonString());

    private static JsonArray Ids(Random random, int count) => new([.. Enumerable.Range(0, count).Select(_ => (JsonNode)random.Next(10, 250))]);

    private static string Words(Random random, int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => new[] { "one", "Grüße", "数学", "😀", "\\n", "{}", "x1" }[random.Next(7)]));

    private static string Nested(string open, int count, string inner, string close) =>
        string.Concat(Enumerable.Repeat(open, count)) + inner + string.Concat(Enumerable.Repeat(close, count));
}
