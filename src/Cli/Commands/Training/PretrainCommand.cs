using System.CommandLine;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train pretrain</c>.</summary>
internal static class PretrainCommand
{
    private const string Help = """
        Trains a model on plain texts (a field "text"), from nothing or from a model.
        The folder of the run has run.json, metrics.jsonl and checkpoints/step-…, each of which "minimax run --model" plays.
        Exit code 1 when the loss that the recipe states is not reached, or is not finite.

        Example: minimax train pretrain --recipe nano-smoke --out my-run
                 minimax run --model my-run/checkpoints/step-00000800 --raw "Count up by 5 from 35: 35,"
        """;

    /// <summary>Makes the command.</summary>
    public static Command Create() => new TrainRunOptions<PretrainRun>(PretrainRecipes.All).CreateCommand("pretrain", Help, Pretrain.Run);
}
