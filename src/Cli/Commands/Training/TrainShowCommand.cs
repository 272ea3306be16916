using System.CommandLine;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train show</c>: browses the roll-outs of a run.</summary>
internal static class TrainShowCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "Folder of a run of train rl." };
        var name = new Argument<string?>("ROLLOUT") { Description = "step/group/sample of one roll-out, as the list shows it.", DefaultValueFactory = _ => null };
        var step = new Option<long?>("--step") { Description = "Only roll-outs of this step." };
        var task = new Option<string?>("--task") { Description = "Only roll-outs of this task." };
        var best = new Option<bool>("--best") { Description = "Highest reward first; without it the newest are shown." };
        var worst = new Option<bool>("--worst") { Description = "Lowest reward first." };
        var limit = new Option<int>("--limit") { Description = "Most roll-outs.", DefaultValueFactory = _ => 20 };
        var json = new Option<bool>("--json") { Description = "Print the roll-outs as JSON, one a line, as they stand in the run." };
        var html = new Option<string?>("--html") { Description = "Write a page with the roll-outs that needs no other file." };
        var model = new Option<string?>("--model") { Description = "Folder with the tokenizer; without it that of the newest checkpoint." };
        var command = new Command(
            "show",
            "Browse the roll-outs of a run: prompt, thinking, answer, terms of the reward, and every token with the probability that it was drawn with.\n\n"
                + "Example: minimax train show runs/arithmetic --worst --limit 5\n"
                + "Example: minimax train show runs/arithmetic 120/3/0\n"
                + "Example: minimax train show runs/arithmetic --step 120 --html step-120.html")
        {
            run, name, step, task, best, worst, limit, json, html, model,
        };
        command.SetAction((parsed, _) =>
        {
            if (parsed.GetValue(best) && parsed.GetValue(worst))
            {
                throw new InvalidInputException("--best and --worst exclude each other; give one of them.");
            }

            var folder = parsed.GetRequiredValue(run);
            var order = parsed.GetValue(best) ? RolloutOrder.Best : parsed.GetValue(worst) ? RolloutOrder.Worst : RolloutOrder.Newest;
            var one = parsed.GetValue(name);
            IReadOnlyList<Rollout> rollouts = one is not null
                ? [RolloutSelection.Find(folder, one)]
                : new RolloutSelection(parsed.GetValue(step), parsed.GetValue(task), order, parsed.GetValue(limit)).From(folder);
            var view = new View(folder, parsed.GetValue(model), parsed.InvocationConfiguration.Output);
            if (parsed.GetValue(html) is { } page)
            {
                view.WritePage(rollouts, page);
                parsed.InvocationConfiguration.Error.WriteLine($"written: {page}");
            }
            else if (parsed.GetValue(json))
            {
                view.WriteJson(rollouts);
            }
            else
            {
                view.WriteText(rollouts, isOne: one is not null);
            }

            return Task.CompletedTask;
        });
        return command;
    }

    private sealed class View(string folder, string? modelFolder, TextWriter output)
    {
        public void WriteJson(IReadOnlyList<Rollout> rollouts)
        {
            foreach (var rollout in rollouts)
            {
                output.WriteLine(RolloutFile.ToJson(rollout));
            }
        }

        public void WriteText(IReadOnlyList<Rollout> rollouts, bool isOne)
        {
            var console = TextTerminal.On(output);
            if (!isOne)
            {
                RolloutText.WriteList(rollouts, console);
                return;
            }

            RolloutText.WriteOne(rollouts[0], TokenSpans.Of(rollouts[0], TokenSpans.TokenizerOf(folder, modelFolder)), console);
        }

        public void WritePage(IReadOnlyList<Rollout> rollouts, string path)
        {
            var tokenizer = TokenSpans.TokenizerOf(folder, modelFolder);
            var title = $"Roll-outs of {Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}";
            OutputFile.WriteText(path, RolloutPage.Of(title, rollouts.Select(rollout => (rollout, TokenSpans.Of(rollout, tokenizer)))));
        }
    }
}
