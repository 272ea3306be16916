using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>A recipe of <c>minimax train rl</c>.</summary>
/// <param name="Run">The run; its recipe field is the name.</param>
/// <param name="Description">What it is for, in one sentence.</param>
/// <param name="Start">The model it starts from when none is given; null wants one.</param>
internal sealed record RlRecipe(RlRun Run, string Description, StartModel? Start = null);
