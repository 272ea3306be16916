using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>What a generator makes: one problem in words.</summary>
/// <param name="Question">The question, without the sentence that asks for <c>\boxed{}</c>.</param>
/// <param name="Gold">An answer that is right.</param>
/// <param name="Data">What the verifier needs, and what tells two problems apart whatever their wording.</param>
/// <param name="Size">Steps or unknowns of the problem; comparable within one task only.</param>
/// <param name="Reasoning">A short derivation of <paramref name="Gold"/>; null where the task has none.</param>
public sealed record TaskProblem(string Question, string Gold, JsonObject Data, int Size, string? Reasoning = null);
