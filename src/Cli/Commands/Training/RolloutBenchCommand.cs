using System.CommandLine;
using System.Diagnostics;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train bench-rollouts</c>: speed of drawing answers with the trainer's weights.</summary>
internal static class RolloutBenchCommand
{
    private const string Help = """
        Measures roll-outs of a new model: prompts of 12 tokens in groups of 16 answers, all of the full length, at temperature 1.

        Example: minimax train bench-rollouts --shape s --answers 512 --tokens 64 --threads 1
        """;

    private const int GroupSize = 16;
    private const int PromptTokens = 12;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var shape = new Option<string>("--shape") { Description = "s, m, l or lightning, as of train bench.", DefaultValueFactory = _ => "s" };
        var answers = new Option<int>("--answers") { Description = "Answers in all.", DefaultValueFactory = _ => 512 };
        var running = new Option<int>("--running") { Description = "Answers that each thread decodes side by side; 0 lets the engine choose." };
        var tokens = new Option<int>("--tokens") { Description = "Tokens of an answer.", DefaultValueFactory = _ => 64 };
        var repeats = new Option<int>("--repeats") { Description = "Measurements; the median is printed.", DefaultValueFactory = _ => 5 };
        var threads = new Option<int>("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
        var command = new Command("bench-rollouts", Help) { shape, answers, running, tokens, repeats, threads };
        command.SetAction(parsed =>
        {
            var config = TrainBenchCommand.Shape(parsed.GetRequiredValue(shape));
            var (count, length) = (parsed.GetValue(answers), parsed.GetValue(tokens));
            if (count < GroupSize || length < 1 || parsed.GetValue(running) < 0 || parsed.GetValue(repeats) < 1)
            {
                throw new InvalidInputException($"--answers must be at least {GroupSize}, --tokens and --repeats at least 1, --running 0 or more.");
            }

            using var module = MiniMaxM1Module.Create(config, seed: 1);
            using var engine = new RolloutEngine(config, new RolloutOptions { Threads = parsed.GetValue(threads), MaxRunning = parsed.GetValue(running) });
            engine.Load(module, 0);
            var requests = Enumerable.Range(0, count / GroupSize).Select(i => new RolloutRequest(
                [.. Enumerable.Range(0, PromptTokens).Select(t => (int)(RolloutSeed.Of(1, i, t) % (ulong)config.VocabSize))],
                [.. Enumerable.Range(0, GroupSize).Select(sample => RolloutSeed.Of(2, i, sample))])).ToArray();
            engine.Generate(requests[..1], length);
            var rates = Enumerable.Range(0, parsed.GetValue(repeats)).Select(_ => Measure(engine, requests, length)).ToArray();
            double Median(Func<(double Cpu, double Wall), double> of) => rates.Select(of).Order().ElementAt(rates.Length / 2);
            parsed.InvocationConfiguration.Output.WriteLine(Invariant(
                $"{parsed.GetValue(shape)}: {module.ParameterCount:N0} weights, {engine.Running} answers side by side, {Median(static rate => rate.Cpu):N0} tokens per CPU second, {Median(static rate => rate.Wall):N0} tokens per second"));
        });
        return command;
    }

    private static (double Cpu, double Wall) Measure(RolloutEngine engine, RolloutRequest[] requests, int length)
    {
        var (cpu, started) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        var tokens = engine.Generate(requests, length).Sum(static group => group.Sum(static answer => (double)answer.Tokens.Length));
        return (tokens / (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, tokens / Stopwatch.GetElapsedTime(started).TotalSeconds);
    }
}
