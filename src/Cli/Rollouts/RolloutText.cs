using System.Globalization;
using MiniMaxSharp.Tasks;
using Spectre.Console;

namespace MiniMaxSharp.Cli;

/// <summary>Roll-outs on a terminal: a list, or one of them with its tokens coloured by probability.</summary>
internal static class RolloutText
{
    private const double PlainBelow = 0.5;

    /// <summary>The table of a list.</summary>
    public static void WriteList(IReadOnlyList<Rollout> rollouts, IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("roll-out", "task", "reward", "terms", "tokens", "stop", "answer");
        foreach (var rollout in rollouts)
        {
            table.AddRow(
                RolloutSelection.NameOf(rollout),
                Markup.Escape(rollout.Level is { } level ? $"{rollout.Task} {level}" : rollout.Task),
                Number(rollout.Reward),
                Markup.Escape(Terms(rollout)),
                rollout.PolicyTokens.ToString(CultureInfo.InvariantCulture),
                rollout.Error is null ? rollout.StopReason : "error",
                Markup.Escape(Short(rollout.Answer)));
        }

        console.Write(table);
        console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{rollouts.Count} roll-outs, mean reward {(rollouts.Count == 0 ? 0 : rollouts.Average(rollout => rollout.Reward)):0.###}"));
    }

    /// <summary>One roll-out in full.</summary>
    public static void WriteOne(Rollout rollout, IReadOnlyList<TokenSpan> spans, IAnsiConsole console)
    {
        console.WriteLine($"roll-out {RolloutSelection.NameOf(rollout)}  {rollout.Task}{(rollout.Level is { } level ? $" level {level}" : "")}  prompt {rollout.Prompt}  policy {rollout.PolicyVersion}");
        console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"reward {rollout.Reward:0.####} ({Terms(rollout)})  advantage {(rollout.Advantage is { } advantage ? Number(advantage) : "unknown")}  {rollout.PolicyTokens} tokens  stop: {rollout.StopReason}"));
        if (rollout.Error is { } error)
        {
            console.WriteLine($"error: {Visible(error)}");
        }

        console.WriteLine($"\n── prompt\n{Visible(rollout.PromptText)}\n\n── tokens");
        WriteTokens(spans, console);
        var inLoss = spans.Where(span => span.InLoss).ToArray();
        console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\n── probability: mean {Mean(inLoss, span => span.Probability):0.####}{Difference(inLoss)}; below {PlainBelow}: {inLoss.Count(span => span.Probability < PlainBelow)} of {inLoss.Length}"));
    }

    /// <summary>The terms of a reward as text.</summary>
    public static string Terms(Rollout rollout) => string.Join(", ", rollout.Rewards.Select(term => $"{term.Name} {Number(term.Value)}"));

    /// <summary>The largest difference of the two probabilities of a token, as text.</summary>
    public static string Difference(IReadOnlyList<TokenSpan> spans) => spans.Any(span => span.TrainProbability is not null)
        ? string.Create(CultureInfo.InvariantCulture, $", largest difference to the trainer's {spans.Max(span => Math.Abs(span.Probability - (span.TrainProbability ?? span.Probability))):0.######}")
        : "";

    /// <summary>On a terminal colours; elsewhere the unlikely tokens are marked with their probability, and the environment's words stand in [[ ]].</summary>
    private static void WriteTokens(IReadOnlyList<TokenSpan> spans, IAnsiConsole console)
    {
        var hasColors = console.Profile.Capabilities.ColorSystem != ColorSystem.NoColors;
        foreach (var (i, span) in spans.Index())
        {
            if (hasColors)
            {
                console.Write(new Text(Visible(span.Text), StyleOf(span)));
                continue;
            }

            var opens = !span.InLoss && (i == 0 || spans[i - 1].InLoss) ? "[[" : "";
            var closes = !span.InLoss && (i + 1 == spans.Count || spans[i + 1].InLoss) ? "]]" : "";
            var mark = span.InLoss && span.Probability < PlainBelow ? string.Create(CultureInfo.InvariantCulture, $"{{{span.Probability:0.00}}}") : "";
            console.Profile.Out.Writer.Write($"{opens}{Visible(span.Text)}{mark}{closes}");
        }

        console.Profile.Out.Writer.WriteLine();
    }

    private static Style StyleOf(TokenSpan span) => new(
        !span.InLoss ? Color.Grey : span.Probability switch { >= 0.9 => Color.Default, >= 0.5 => Color.Green, >= 0.1 => Color.Yellow, _ => Color.Red });

    private static double Mean(TokenSpan[] spans, Func<TokenSpan, double> value) => spans.Length == 0 ? 0 : spans.Average(value);

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>Control characters as pictures, so that no roll-out can steer the terminal; line ends stay.</summary>
    private static string Visible(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = source[i] is '\n' || !char.IsControl(source[i]) ? source[i] : source[i] < ' ' ? (char)('␀' + source[i]) : '�';
        }
    });

    private static string Short(string answer)
    {
        var line = Visible(answer.ReplaceLineEndings(" "));
        return line.Length <= 60 ? line : "…" + line[^59..];
    }
}
