using System.CommandLine;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train</c> of the program compiled ahead of time, which has no libtorch.</summary>
internal static class TrainCommand
{
    /// <summary>Makes the command, which only says what to use instead.</summary>
    public static Command Create()
    {
        var command = new Command("train", "Trains a model. This program was compiled ahead of time and cannot train: use the framework build, dotnet run --project src/Cli -- train.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.SetAction(static int (_) => throw new InvalidInputException(
            "This program was compiled ahead of time and has no libtorch, so it cannot train. Use the framework build: dotnet run -c Release --project src/Cli -- train …"));
        return command;
    }
}
