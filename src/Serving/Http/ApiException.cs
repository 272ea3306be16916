using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Whose error shapes an endpoint speaks.</summary>
internal enum Protocol
{
    OpenAi,
    Anthropic,
}

/// <summary>A request that is answered with an error.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">What, where, and how to mend it.</param>
/// <param name="param">The field that is at fault.</param>
/// <param name="code">A word that programs can go by.</param>
/// <param name="inner">What caused it.</param>
internal sealed class ApiException(int status, string message, string? param = null, string? code = null, Exception? inner = null) : Exception(message, inner)
{
    public int Status { get; } = status;

    public string? Param { get; } = param;

    public string? Code { get; } = code;

    /// <summary>Time after which the client should try again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static ApiException BadField(string param, string message) => new(StatusCodes.Status400BadRequest, message, param);

    /// <summary>What the client is told of <paramref name="failure"/>. The inner life of the server is not told.</summary>
    /// <param name="failure">What happened.</param>
    /// <param name="isField">Says whether the request has a field of this name.</param>
    public static ApiException Of(Exception failure, Func<string, bool>? isField = null) => failure switch
    {
        ApiException error => error,
        InvalidInputException bad => new(StatusCodes.Status400BadRequest, bad.Message, FieldOf(bad.Message, isField), inner: bad),
        QueueFullException full => new(StatusCodes.Status429TooManyRequests, full.Message, code: "queue_full", inner: full) { RetryAfter = TimeSpan.FromSeconds(1) },
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } large => new(large.StatusCode, large.Message, code: "request_too_large", inner: large),
        BadHttpRequestException bad => new(StatusCodes.Status400BadRequest, bad.Message, inner: bad),
        _ => new(StatusCodes.Status500InternalServerError, "The server failed; its log says why.", code: "internal_error", inner: failure),
    };

    /// <summary>The error as <paramref name="protocol"/> words it.</summary>
    public JsonObject ToJson(Protocol protocol, string requestId) => protocol == Protocol.Anthropic
        ? new JsonObject
        {
            ["type"] = "error",
            ["error"] = new JsonObject { ["type"] = AnthropicType, ["message"] = Message },
            ["request_id"] = requestId,
        }
        : new JsonObject
        {
            ["error"] = new JsonObject { ["message"] = Message, ["type"] = OpenAiType, ["param"] = Param, ["code"] = Code },
        };

    private string OpenAiType => Status switch
    {
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    private string AnthropicType => Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status413PayloadTooLarge => "request_too_large",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status503ServiceUnavailable => "overloaded_error",
        StatusCodes.Status504GatewayTimeout => "timeout_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };

    /// <summary>The messages of the library begin with the path of the field, such as <c>messages[0].content</c>.</summary>
    private static string? FieldOf(string message, Func<string, bool>? isField)
    {
        const string source = RequestFields.Source + ": ";
        var text = message.StartsWith(source, StringComparison.Ordinal) ? message[source.Length..] : message;
        var path = text[..Math.Max(0, text.IndexOfAny([' ', ':']))];
        var head = path.Split('[', '.')[0];
        return head.Length > 0 && isField?.Invoke(head) == true ? path : null;
    }
}
