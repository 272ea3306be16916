using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>report.html</c> of a run: one page without anything from outside, with the recipe and the curves of all metrics.</summary>
internal static class RunReport
{
    private const string FileName = "report.html";
    private const int ScatterPoints = 4000;

    private static readonly (string Title, string[] Names, bool Logarithmic)[] charts =
    [
        ("Loss", ["loss", "eval/loss"], false),
        ("Reward", ["reward", "reward_std", "frac_reward_zero_std"], false),
        ("Greedy accuracy on held-out prompts", ["eval/greedy"], false),
        ("Length of answers", ["completions/mean_length", "eval/mean_length"], false),
        ("Entropy", ["entropy"], false),
        ("Clipped tokens", ["clip_ratio/positive_high", "clip_ratio/negative_low", "clip_ratio/positive_low", "clip_ratio/negative_high"], false),
        ("Importance ratio", ["is_ratio/mean", "is_ratio/min", "is_ratio/max"], true),
        ("Correlation of roll-out and training probabilities", ["rollout_actor_probs_pearson_corr"], false),
        ("Share of the time", ["time/rollout_share", "time/reward_share", "time/train_share"], false),
        ("Gradient norm", ["grad_norm"], true),
        ("Learning rate", ["lr"], false),
        ("Auxiliary loss", ["aux_loss"], false),
        ("Tokens per second", ["tokens_per_second"], false),
        ("Sequence length", ["context_length"], false),
    ];

    private static readonly (string Title, string Prefix, bool Logarithmic)[] heatMaps =
    [
        ("Gradient norm by place", "grad_norm/", true),
        ("Load of the busiest expert (1 is a fair share)", "expert_load_max/", false),
        ("Load of the idlest expert (1 is a fair share)", "expert_load_min/", false),
    ];

    /// <summary>Writes the page into the folder of the run and returns its path.</summary>
    public static string Write(string runFolder)
    {
        var metrics = RunMetrics.Read(runFolder);
        var recipe = RunFolder.ReadRecipe(runFolder);
        var page = new StringBuilder();
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(runFolder)));
        page.Append(Invariant($"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{WebUtility.HtmlEncode(name)}</title><style>{Style}</style></head><body>"));
        page.Append(Invariant($"<h1>{WebUtility.HtmlEncode(name)}</h1>"));
        AppendSummary(page, metrics, recipe);
        page.Append("<div class=\"charts\">");
        AppendCharts(page, metrics);
        AppendScatter(page, runFolder);
        page.Append("</div>");
        if (recipe is not null)
        {
            page.Append(Invariant($"<details><summary>Recipe</summary><pre>{WebUtility.HtmlEncode(TrainingRunJson.ToText(recipe))}</pre></details>"));
        }

        page.Append("</body></html>\n");
        var path = Path.Combine(runFolder, FileName);
        File.WriteAllText(path + ".tmp", page.ToString());
        File.Move(path + ".tmp", path, overwrite: true);
        return path;
    }

    private static void AppendSummary(StringBuilder page, RunMetrics metrics, JsonObject? recipe)
    {
        page.Append("<table>");
        Row("recipe", recipe?["recipe"]?.ToString() ?? "");
        Row("steps", metrics.Names.Count == 0 ? "0" : Axis.Text(metrics.Names.Max(name => metrics[name][^1].Step)));
        foreach (var name in new[] { "loss", "eval/loss", "reward", "eval/greedy", "tokens" }.Where(name => metrics[name].Count > 0))
        {
            var column = metrics[name];
            Row(name, name == "tokens" ? Axis.Text(column[^1].Value) : Invariant($"{Axis.Text(column[0].Value)} → {Axis.Text(column[^1].Value)}"));
        }

        page.Append("</table>");

        void Row(string key, string value) => page.Append(Invariant($"<tr><th>{WebUtility.HtmlEncode(key)}</th><td>{WebUtility.HtmlEncode(value)}</td></tr>"));
    }

    /// <summary>Probabilities of the same tokens when drawn and under the trainer, of the last step that was learnt from (the report's figure 3).</summary>
    private static void AppendScatter(StringBuilder page, string runFolder)
    {
        var last = new List<Rollout>();
        if (File.Exists(Path.Combine(runFolder, RolloutFile.Name)))
        {
            foreach (var rollout in RolloutFile.Read(runFolder).Where(static rollout => rollout.TrainLogprobs is not null))
            {
                if (last.Count > 0 && last[0].Step != rollout.Step)
                {
                    last.Clear();
                }

                last.Add(rollout);
            }
        }

        var agreement = new ProbabilityAgreement();
        last.ForEach(rollout => agreement.Add(rollout.Logprobs, rollout.TrainLogprobs, rollout.LossMask));
        if (agreement.Count > 0)
        {
            page.Append(Invariant($"<figure><figcaption>Probabilities of the tokens of step {last[0].Step} at the roll-out (across) and under the trainer (up), correlation {agreement.Correlation:F6}</figcaption>"))
                .Append(SvgChart.Scatter(agreement.Sample(ScatterPoints))).Append("</figure>");
        }
    }

    private static void AppendCharts(StringBuilder page, RunMetrics metrics)
    {
        var shown = new HashSet<string>(["tokens", "documents"], StringComparer.Ordinal);
        foreach (var (title, names, logarithmic) in charts)
        {
            var present = names.Where(name => metrics[name].Count > 0).ToList();
            if (present.Count > 0)
            {
                Append(title, SvgChart.Lines([.. present.Select(SeriesOf)], logarithmic));
            }

            shown.UnionWith(present);
        }

        foreach (var (title, prefix, logarithmic) in heatMaps)
        {
            var rows = metrics.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
            if (rows.Count > 0)
            {
                Append(title, SvgChart.HeatMap([.. rows.Select(name => SeriesOf(name) with { Name = name[prefix.Length..] })], logarithmic));
            }

            shown.UnionWith(rows);
        }

        foreach (var name in metrics.Names.Where(name => !shown.Contains(name)))
        {
            Append(name, SvgChart.Lines([SeriesOf(name)]));
        }

        SvgChart.Series SeriesOf(string name) => new(name, [.. metrics[name].Select(static point => ((double)point.Step, point.Value))]);

        void Append(string title, string svg) => page.Append(Invariant($"<figure><figcaption>{WebUtility.HtmlEncode(title)}</figcaption>{svg}</figure>"));
    }

    private const string Style = """
        :root{color-scheme:light dark;--bg:#fff;--fg:#1d2129;--soft:#68707d;--grid:#e4e7ec;--c0:#2563eb;--c1:#dc2626;--c2:#059669;--c3:#d97706;--c4:#7c3aed;--c5:#0891b2}
        @media(prefers-color-scheme:dark){:root{--bg:#14171c;--fg:#e6e8ec;--soft:#98a1b0;--grid:#2a2f38;--c0:#6ea0ff;--c1:#ff7b72;--c2:#4ade80;--c3:#fbbf24;--c4:#c4a1ff;--c5:#67d3e8}}
        body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;max-width:1440px;margin:0 auto;padding:24px}
        h1{font-size:22px}th{text-align:left;padding-right:18px;color:var(--soft);font-weight:400}
        .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(420px,100%),1fr));gap:16px;margin:20px 0}
        figure{margin:0;border:1px solid var(--grid);border-radius:8px;padding:10px 12px}figcaption{font-weight:600}
        svg{width:100%;height:auto;display:block}.grid{stroke:var(--grid)}.label{fill:var(--soft);font-size:11px}
        .line{fill:none;stroke-width:1.6}.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}
        .legend{margin:4px 0 0;font-size:13px}.legend span{margin-right:14px}.legend span::before{content:"●  "}
        .k0::before{color:var(--c0)}.k1::before{color:var(--c1)}.k2::before{color:var(--c2)}.k3::before{color:var(--c3)}.k4::before{color:var(--c4)}.k5::before{color:var(--c5)}
        .cell{fill:var(--c0)}.dot{fill:var(--c0);opacity:.5}.diagonal{stroke:var(--soft);stroke-dasharray:4 4}pre{overflow:auto}summary{cursor:pointer}
        """;
}
