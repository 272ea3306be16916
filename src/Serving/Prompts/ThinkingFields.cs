namespace MiniMaxSharp.Serving;

/// <summary>How much a request lets the model think.</summary>
/// <param name="Enabled">False: the prompt ends with an empty think block.</param>
/// <param name="Budget">Most tokens of thinking; null is no limit.</param>
internal readonly record struct ThinkingFields(bool Enabled, int? Budget)
{
    /// <summary>
    /// Reads every spelling: <c>thinking_token_budget</c>; <c>thinking: {type, budget_tokens}</c>; <c>reasoning_effort</c> or <c>reasoning: {effort}</c> or <c>output_config: {effort}</c>;
    /// <c>enable_thinking</c>, also in <c>chat_template_kwargs</c>. A number of tokens beats an effort, and "off" beats both.
    /// </summary>
    /// <exception cref="ApiException">A field has a wrong type or value.</exception>
    public static ThinkingFields Read(RequestFields fields)
    {
        var enabled = fields.Flag("enable_thinking") ?? true;
        var budget = fields.Integer("thinking_token_budget");
        CheckBudget(fields.Path("thinking_token_budget"), budget);
        if (fields.Object("chat_template_kwargs") is { } template)
        {
            enabled &= TemplateFlag(template);
        }

        if (fields.Object("thinking") is { } thinking)
        {
            var type = thinking.Text("type") ?? "enabled";
            enabled &= type is "enabled" or "adaptive" || (type == "disabled"
                ? false
                : throw ApiException.BadField("thinking.type", $"thinking.type is '{type}'; it must be enabled, disabled or adaptive."));
            var tokens = thinking.Integer("budget_tokens");
            CheckBudget("thinking.budget_tokens", tokens);
            budget ??= tokens;
        }

        if ((fields.Text("reasoning_effort") ?? fields.Object("reasoning")?.Text("effort") ?? fields.Object("output_config")?.Text("effort")) is { } effort)
        {
            enabled &= effort != "none";
            budget ??= BudgetOf(effort);
        }

        return new ThinkingFields(enabled, enabled ? budget : null);
    }

    /// <summary>Tokens that an effort stands for.</summary>
    private static int? BudgetOf(string effort) => effort switch
    {
        "none" => 0,
        "minimal" => 512,
        "low" => 2048,
        "medium" => 8192,
        "high" => 32768,
        "xhigh" or "max" => null,
        _ => throw ApiException.BadField("reasoning_effort", $"reasoning_effort is '{effort}'; it must be none, minimal, low, medium, high, xhigh or max."),
    };

    /// <summary>The template knows one switch. An unknown one is refused, not ignored: who gives it counts on its effect.</summary>
    private static bool TemplateFlag(RequestFields template)
    {
        foreach (var property in template.Element.EnumerateObject())
        {
            if (property.Name is not ("enable_thinking" or "thinking"))
            {
                throw ApiException.BadField(template.Path(property.Name), $"{template.Path(property.Name)}: the chat format has no such switch; it knows enable_thinking.");
            }
        }

        return (template.Flag("enable_thinking") ?? true) && (template.Flag("thinking") ?? true);
    }

    private static void CheckBudget(string path, int? budget)
    {
        if (budget < 0)
        {
            throw ApiException.BadField(path, $"{path} is {budget}; it must be 0 or more.");
        }
    }
}
