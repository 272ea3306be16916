using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>One HTTP request with its caller and its way to answer.</summary>
internal sealed class Exchange(HttpContext context, ServingState server, Protocol protocol)
{
    private const int MaxJsonDepth = 256;
    private static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public HttpContext Context { get; } = context;

    public ServingState Server { get; } = server;

    public Protocol Protocol { get; } = protocol;

    /// <summary>Identifier of the request, in the answer's headers and in the log.</summary>
    public string RequestId { get; } = $"req_{Guid.NewGuid():N}";

    public Caller Caller { get; set; } = null!;

    /// <summary>The body, once it has been read.</summary>
    public RequestFields? Body { get; private set; }

    public DateTimeOffset Started { get; } = server.Time.GetUtcNow();

    /// <summary>Ends when the client is gone.</summary>
    public CancellationToken Gone => Context.RequestAborted;

    /// <summary>An identifier of an object of the answer.</summary>
    public string NewId(string prefix) => $"{prefix}{Guid.NewGuid():N}";

    /// <summary>Writes the prompt to the log where that is switched on.</summary>
    public void LogPrompt(Conversation conversation)
    {
        if (Server.Options.LogPrompts)
        {
            Server.LogPrompt(RequestId, ChatCall.Render(Server, conversation).Text);
        }
    }

    /// <summary>Reads the body: one JSON object.</summary>
    /// <exception cref="ApiException">It is too large, no UTF-8, or no JSON object.</exception>
    public async Task<RequestFields> ReadBody()
    {
        var bytes = await ReadBytes().ConfigureAwait(false);
        if (!Utf8.IsValid(bytes.Span))
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "The body is not valid UTF-8. Send JSON in UTF-8.");
        }

        try
        {
            CheckSurrogates(bytes.Span);
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxJsonDepth });
            var fields = new RequestFields(document.RootElement.Clone());
            Body = fields.Element.ValueKind == JsonValueKind.Object
                ? fields
                : throw new ApiException(StatusCodes.Status400BadRequest, "The body must be a JSON object.");
            return fields;
        }
        catch (JsonException exception)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, $"The body is not valid JSON: {exception.Message}", code: "invalid_json", inner: exception);
        }
    }

    /// <summary>Answers with one JSON document.</summary>
    public async Task WriteJson(JsonNode json, int status = StatusCodes.Status200OK)
    {
        Context.Response.StatusCode = status;
        Context.Response.ContentType = "application/json";
        await Context.Response.Body.WriteAsync(ToUtf8(json), Gone).ConfigureAwait(false);
    }

    /// <summary>The document without escapes that JSON does not need.</summary>
    public static ReadOnlyMemory<byte> ToUtf8(JsonNode json)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, readable))
        {
            json.WriteTo(writer);
        }

        return buffer.WrittenMemory;
    }

    private async Task<ReadOnlyMemory<byte>> ReadBytes()
    {
        var limit = Server.Options.MaxRequestBytes;
        if (Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = limit;
        }

        if (Context.Request.ContentLength > limit)
        {
            throw TooLarge(limit);
        }

        using var body = new MemoryStream((int)Math.Min(Context.Request.ContentLength ?? 4096, 1 << 20));
        var piece = new byte[16 << 10];
        int count;
        while ((count = await Context.Request.Body.ReadAsync(piece, Gone).ConfigureAwait(false)) > 0)
        {
            if (body.Length + count > limit)
            {
                throw TooLarge(limit);
            }

            body.Write(piece, 0, count);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    /// <summary>An escape can spell half a character, which no text can hold. The reader would notice only where the text is asked for.</summary>
    private static void CheckSurrogates(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxJsonDepth });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                {
                    reader.GetString();
                }
            }
        }
        catch (InvalidOperationException exception)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "A JSON string escapes half a character (a lone surrogate). Escape both halves.", code: "invalid_json", inner: exception);
        }
    }

    private static ApiException TooLarge(long limit) =>
        new(StatusCodes.Status413PayloadTooLarge, FormattableString.Invariant($"The body is larger than the {limit:N0} bytes that this server takes. Shorten it."), code: "request_too_large");
}
