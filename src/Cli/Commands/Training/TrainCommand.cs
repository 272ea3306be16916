using System.CommandLine;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train</c>: everything that changes weights. Only its actions touch libtorch.</summary>
internal static class TrainCommand
{
    /// <summary>Its name.</summary>
    public const string Name = "train";

    /// <summary>Makes the command.</summary>
    public static Command Create() => new(Name, "Trains models and checks the trainer.\n\nExample: minimax train gradcheck MODEL --golden grads.safetensors --out mine.safetensors")
    {
        PretrainCommand.Create(),
        SftCommand.Create(),
        ReportCommand.Create(),
        CompareCommand.Create(),
        RlCommand.Create(),
        ReproduceCommand.Create(),
        GradcheckCommand.Create(),
        AgreeCommand.Create(),
        TrainBenchCommand.Create(),
        TrainShowCommand.Create(),
        RolloutBenchCommand.Create(),
    };
}
