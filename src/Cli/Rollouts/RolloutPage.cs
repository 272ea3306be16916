using System.Globalization;
using System.Net;
using System.Text;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary>Roll-outs as one HTML page that needs nothing else: a filter, and each roll-out with its tokens coloured by probability.</summary>
internal static class RolloutPage
{
    private const string Style =
        "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}"
        + "summary{cursor:pointer;padding:.4rem 0}details{border-top:1px solid #ddd}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f7f7f7;padding:.8rem}"
        + "i{font-style:normal;color:#888}b{font-weight:400}input{font:inherit;padding:.3rem .5rem;width:20rem}.legend b{padding:0 .4rem}"
        + "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#222}details{border-color:#444}b{color:#111}}";

    // Hides the roll-outs whose first line lacks the text.
    private const string Script =
        "document.getElementById('f').oninput=e=>{for(const d of document.querySelectorAll('details'))"
        + "d.hidden=!d.firstElementChild.textContent.toLowerCase().includes(e.target.value.toLowerCase())}";

    /// <summary>The page.</summary>
    /// <param name="title">Its heading.</param>
    /// <param name="rollouts">The roll-outs with the pieces of their tokens.</param>
    public static string Of(string title, IEnumerable<(Rollout Rollout, IReadOnlyList<TokenSpan> Spans)> rollouts)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>").Append(Text(title));
        page.Append("</title><style>").Append(Style).Append("</style><h1>").Append(Text(title)).Append("</h1>");
        page.Append("<p><label>Filter <input id=\"f\" placeholder=\"task, step, answer\"></label></p><p class=\"legend\">Probability when drawn: ");
        foreach (var (probability, words) in new[] { (1.0, "certain"), (0.5, "half"), (0.1, "a tenth"), (0.01, "a hundredth") })
        {
            page.Append("<b style=\"background:").Append(ColorOf(probability)).Append("\">").Append(words).Append("</b> ");
        }

        page.Append("<i>grey: tools and users</i></p>");
        foreach (var (rollout, spans) in rollouts)
        {
            Append(page, rollout, spans);
        }

        return page.Append("<script>").Append(Script).Append("</script></html>\n").ToString();
    }

    private static void Append(StringBuilder page, Rollout rollout, IReadOnlyList<TokenSpan> spans)
    {
        var answer = rollout.Answer.ReplaceLineEndings(" ");
        page.Append("<details><summary>").Append(Text(string.Create(
            CultureInfo.InvariantCulture,
            $"{RolloutSelection.NameOf(rollout)} · {rollout.Task} {rollout.Level} · reward {rollout.Reward:0.###} · {rollout.PolicyTokens} tokens · {(rollout.Error is null ? rollout.StopReason : "error")} · {(answer.Length > 80 ? answer[..80] : answer)}")));
        page.Append("</summary><p>").Append(Text($"{RolloutText.Terms(rollout)}{(rollout.Error is null ? "" : $"; error: {rollout.Error}")}")).Append("</p><pre>").Append(Text(rollout.PromptText)).Append("</pre><pre>");
        foreach (var span in spans)
        {
            if (!span.InLoss)
            {
                page.Append("<i>").Append(Text(span.Text)).Append("</i>");
                continue;
            }

            var hint = string.Create(CultureInfo.InvariantCulture, $"{span.Probability:0.######}{(span.TrainProbability is { } trained ? $", trainer {trained:0.######}" : "")}");
            page.Append("<b title=\"").Append(hint).Append("\" style=\"background:").Append(ColorOf(span.Probability)).Append("\">").Append(Text(span.Text)).Append("</b>");
        }

        page.Append("</pre></details>");
    }

    /// <summary>From pale green (certain) over yellow to red (one in a hundred).</summary>
    private static string ColorOf(double probability)
    {
        var hue = 120 * (1 - Math.Min(1, -Math.Log10(Math.Max(probability, 1e-9)) / 2));
        return string.Create(CultureInfo.InvariantCulture, $"hsl({hue:0} 80% 85%)");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
