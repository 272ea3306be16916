using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>One matrix that an export reads.</summary>
/// <param name="Name">Official name.</param>
/// <param name="Weight">The matrix.</param>
internal readonly record struct ExportPart(string Name, Weight Weight);
