using System.CommandLine;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train sft</c>.</summary>
internal static class SftCommand
{
    private const string Help = """
        Fine-tunes a model on conversations (a field "messages"): the turns of the assistant count in the loss, reasoning_content included.
        The folder of the run is that of "train pretrain".

        Example: minimax train sft --recipe tune --model my-model --data answers.jsonl --out my-tune
        """;

    /// <summary>Makes the command.</summary>
    public static Command Create() => new TrainRunOptions<SftRun>(SftRecipes.All).CreateCommand("sft", Help, Sft.Run);
}
