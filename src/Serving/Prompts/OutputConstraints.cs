namespace MiniMaxSharp.Serving;

/// <summary>
/// The one place where a request's rules for the form of the answer are read: response_format, text.format, guided decoding, forced tool choice.
/// This build has no grammars, so every rule that it could not keep is refused.
/// </summary>
internal static class OutputConstraints
{
    private static readonly string[] guided =
        ["guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs", "grammar", "json_schema", "output_format"];

    /// <summary>Checks the rules of a request.</summary>
    /// <exception cref="ApiException">The request has a rule that this build cannot keep.</exception>
    public static void Check(RequestFields fields)
    {
        CheckFormat(fields.Object("response_format"));
        CheckFormat(fields.Object("text")?.Object("format"));
        CheckFormat(fields.Object("output_config")?.Object("format"));
        foreach (var name in guided)
        {
            if (fields.Has(name))
            {
                throw NotSupported(name);
            }
        }

        foreach (var tool in fields.Objects("tools"))
        {
            if ((tool.Object("function") ?? tool).Flag("strict") == true)
            {
                throw NotSupported(tool.Path("strict"));
            }
        }
    }

    /// <summary>Checks a tool choice: <c>auto</c> and <c>none</c> need no grammar, a forced call does.</summary>
    /// <returns>Whether tools are offered.</returns>
    public static bool OffersTools(RequestFields fields)
    {
        if (!fields.Has("tool_choice"))
        {
            return true;
        }

        var choice = fields.Element.GetProperty("tool_choice").ValueKind == System.Text.Json.JsonValueKind.String
            ? fields.Text("tool_choice")
            : fields.Object("tool_choice")!.Value.RequiredText("type");
        return choice switch
        {
            "auto" => true,
            "none" => false,
            "required" or "any" or "function" or "tool" or "allowed_tools" => throw NotSupported("tool_choice"),
            _ => throw ApiException.BadField("tool_choice", $"tool_choice is '{choice}'; it must be auto, none, required or a tool."),
        };
    }

    private static void CheckFormat(RequestFields? format)
    {
        if (format is { } given && given.RequiredText("type") is not "text")
        {
            throw NotSupported(given.Path("type"));
        }
    }

    private static ApiException NotSupported(string path) =>
        new(Microsoft.AspNetCore.Http.StatusCodes.Status400BadRequest, $"{path}: answers of a given form are not supported yet by this build. Leave the field out.", path, "unsupported_value");
}
