using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>What goes into every checkpoint of a run and does not change with the steps.</summary>
/// <param name="Files">Small files beside the weights by name: tokenizer, chat template.</param>
/// <param name="Recipe">The resolved recipe of the run.</param>
public sealed record CheckpointFiles(IReadOnlyDictionary<string, byte[]> Files, JsonObject Recipe)
{
    /// <summary>With the tokenizer of a model folder or a .gguf file.</summary>
    /// <exception cref="InvalidInputException">The .gguf file is malformed.</exception>
    public static CheckpointFiles Of(string model, JsonObject recipe) => new(FolderExport.TokenizerFiles(model), recipe);

    /// <summary>With a <c>tokenizer.json</c> that was just learnt by <see cref="BytePairTrainer"/>.</summary>
    public static CheckpointFiles Of(byte[] tokenizerJson, JsonObject recipe) => new(
        new Dictionary<string, byte[]>
        {
            ["tokenizer.json"] = tokenizerJson,
            ["tokenizer_config.json"] = System.Text.Encoding.UTF8.GetBytes(BytePairTrainer.ConfigJson),
        },
        recipe);
}
