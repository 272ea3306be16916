using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>
/// The one place where a request's rules for the form of the answer are read: response_format, text.format, output_config.format, guided decoding as vLLM
/// spells it, forced tool choice and strict tools.
/// </summary>
internal static class OutputConstraints
{
    private static readonly string[] unsupported = ["guided_grammar", "grammar", "json_schema", "output_format"];

    /// <summary>The rule of a request; null for free text.</summary>
    /// <param name="fields">The request.</param>
    /// <param name="tools">The tools on offer, in the format of OpenAI; null or empty when there are none.</param>
    /// <exception cref="ApiException">A rule is malformed, or there are two.</exception>
    public static OutputRule? Read(RequestFields fields, IReadOnlyList<JsonElement>? tools)
    {
        foreach (var name in unsupported.Where(fields.Has))
        {
            throw NotSupported(fields.Path(name), "Use response_format or guided_json.");
        }

        var guided = fields.Object("structured_outputs");
        (string Path, OutputRule? Rule)[] rules =
        [
            Format(fields.Object("response_format"), "json_schema"),
            Format(fields.Object("text")?.Object("format"), null),
            Format(fields.Object("output_config")?.Object("format"), null),
            Schema(fields, "guided_json"),
            Pattern(fields, "guided_regex"),
            Choice(fields, "guided_choice"),
            .. guided is { } inner ? [Schema(inner, "json"), Pattern(inner, "regex"), Choice(inner, "choice")] : Array.Empty<(string, OutputRule?)>(),
        ];
        var given = rules.Where(static rule => rule.Rule is not null).ToArray();
        return given.Length <= 1
            ? WithTools(fields, tools ?? [], given.FirstOrDefault())
            : throw TwoForms(given[0].Path, given[1].Path);
    }

    /// <summary>Whether tools are offered: not with the tool choice <c>none</c>.</summary>
    public static bool OffersTools(RequestFields fields) => ToolChoice(fields).Kind != "none";

    private static (string Kind, string? Name) ToolChoice(RequestFields fields)
    {
        if (!fields.Has("tool_choice"))
        {
            return ("auto", null);
        }

        var choice = fields.Element.GetProperty("tool_choice").ValueKind == JsonValueKind.String ? null : fields.Object("tool_choice");
        var kind = choice is { } given ? given.RequiredText("type") : fields.RequiredText("tool_choice");
        return kind switch
        {
            "auto" or "none" => (kind, null),
            "required" or "any" => ("required", null),
            "function" or "tool" => ("required", (choice?.Object("function") ?? choice)?.RequiredText("name")),
            "allowed_tools" => throw NotSupported("tool_choice", "Send only the tools that may be called."),
            _ => throw ApiException.BadField("tool_choice", $"tool_choice is '{kind}'; it must be auto, none, required or a tool."),
        };
    }

    /// <summary>Joins the form with the tools: a forced call stands instead of it, JSON may give way to calls.</summary>
    private static OutputRule? WithTools(RequestFields fields, IReadOnlyList<JsonElement> tools, (string Path, OutputRule? Rule) form)
    {
        var (kind, name) = ToolChoice(fields);
        var offered = tools.Select(static tool => tool.TryGetProperty("function", out var function) ? function : tool).ToArray();
        if (kind == "required")
        {
            offered = name is null ? offered : [.. offered.Where(tool => tool.GetProperty("name").GetString() == name)];
            if (offered.Length == 0)
            {
                throw ApiException.BadField("tool_choice", name is null ? "tool_choice asks for a call, but tools has none." : $"tool_choice names the tool '{name}', which tools does not have.");
            }
        }

        var strict = fields.Objects("tools").Any(IsStrict);
        if (form.Rule is { CompileWithCalls: null } && (kind == "required" || strict))
        {
            throw TwoForms(form.Path, kind == "required" ? "tool_choice" : "tools");
        }

        if (kind == "none" || offered.Length == 0 || (kind == "auto" && !strict && form.Rule?.CompileWithCalls is null))
        {
            return form.Rule;
        }

        var parallel = fields.Flag("parallel_tool_calls") ?? !(IsObject(fields, "tool_choice") && fields.Object("tool_choice")?.Flag("disable_parallel_tool_use") == true);
        GrammarTool[] callable = [.. offered.Select(tool => new GrammarTool(
            tool.GetProperty("name").GetString()!, (strict || kind == "required") && tool.TryGetProperty("parameters", out var parameters) ? parameters : null))];
        var key = $"tools {kind} {parallel} {strict} {string.Join('\n', offered.Select(static tool => tool.GetRawText()))}";
        return kind == "required" ? new OutputRule(key, () => Grammar.ToolCallsRequired(callable, parallel))
            : form.Rule is { } json ? new OutputRule($"{key}\n{json.Key}", () => json.CompileWithCalls!(callable, parallel))
            : new OutputRule(key, () => Grammar.ToolCallsAllowed(callable, parallel));
    }

    private static bool IsStrict(RequestFields tool) => (tool.Object("function") ?? tool).Flag("strict") == true;

    private static bool IsObject(RequestFields fields, string name) => fields.Has(name) && fields.Element.GetProperty(name).ValueKind == JsonValueKind.Object;

    private static (string Path, OutputRule? Rule) Format(RequestFields? format, string? wrapper)
    {
        if (format is not { } given)
        {
            return ("", null);
        }

        return given.RequiredText("type") switch
        {
            "text" => ("", null),
            "json_object" => (given.Path("type"), new OutputRule("json_object", static () => Grammar.AnyJsonObject())
            {
                CompileWithCalls = static (tools, parallel) => Grammar.JsonOrToolCalls((JsonElement?)null, tools, parallel),
            }),
            "json_schema" => Schema(wrapper is null ? given : given.Object(wrapper) ?? throw given.Missing(wrapper, "an object with the schema"), "schema", isRequired: true),
            var type => throw ApiException.BadField(given.Path("type"), $"{given.Path("type")} is '{type}'; it must be text, json_object or json_schema."),
        };
    }

    private static (string Path, OutputRule? Rule) Schema(RequestFields fields, string name, bool isRequired = false)
    {
        if (!fields.Has(name))
        {
            return isRequired ? throw fields.Missing(name, "a JSON schema") : ("", null);
        }

        var value = fields.Element.GetProperty(name);
        var schema = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        return (fields.Path(name), new OutputRule("schema " + schema, () => Grammar.FromJsonSchema(schema))
        {
            CompileWithCalls = (tools, parallel) => Grammar.JsonOrToolCalls(schema, tools, parallel),
        });
    }

    private static (string Path, OutputRule? Rule) Pattern(RequestFields fields, string name) => fields.Text(name) is { } pattern
        ? (fields.Path(name), new OutputRule("regex " + pattern, () => Grammar.FromRegex(pattern)))
        : ("", null);

    private static (string Path, OutputRule? Rule) Choice(RequestFields fields, string name) => fields.Has(name) && fields.Texts(name) is { } choices
        ? (fields.Path(name), new OutputRule("choice " + string.Join('\0', choices), () => Grammar.FromChoices(choices)))
        : ("", null);

    private static ApiException TwoForms(string first, string second) =>
        ApiException.BadField(second, $"{first} and {second} both give a form to the answer; give one of them.");

    private static ApiException NotSupported(string path, string mend) =>
        new(Microsoft.AspNetCore.Http.StatusCodes.Status400BadRequest, $"{path} is not supported. {mend}", path, "unsupported_value");
}
