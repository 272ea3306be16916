using System.CommandLine;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train</c> of the program compiled ahead of time, which has no libtorch.</summary>
internal static class TrainCommand
{
    /// <summary>Its name.</summary>
    public const string Name = "train";

    /// <summary>Makes the command, which only says what to use instead.</summary>
    public static Command Create() => AbsentCommand.Create(Name, "Trains a model.");
}

/// <summary><c>minimax data</c> of the program compiled ahead of time, which has no Parquet.</summary>
internal static class DataCommand
{
    /// <summary>Makes the command, which only says what to use instead.</summary>
    public static Command Create() => AbsentCommand.Create("data", "Looks at training texts and cleans them.");
}

/// <summary>A command that only the framework build has.</summary>
internal static class AbsentCommand
{
    /// <summary>Makes a command of that name that says what to use instead.</summary>
    public static Command Create(string name, string description)
    {
        var command = new Command(name, $"{description} Not in this program, which was compiled ahead of time: use the framework build, dotnet run --project src/Cli -- {name}.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.SetAction(int (_) => throw new InvalidInputException(
            $"This program was compiled ahead of time and has no \"{name}\". Use the framework build: dotnet run -c Release --project src/Cli -- {name} …"));
        return command;
    }
}
