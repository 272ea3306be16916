using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Training;

/// <summary>
/// The adapters of a module as a folder in the layout of PEFT, which <see cref="LoraAdapter"/> reads without libtorch.
/// </summary>
public static class LoraFile
{
    /// <summary>Writes the adapters of a module.</summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="module">A module with adapters.</param>
    /// <param name="baseModel">Where the frozen weights come from, for people and for PEFT.</param>
    public static void Write(string folder, MiniMaxM1Module module, string baseModel)
    {
        var lora = module.Lora ?? throw new InvalidOperationException("The model has no adapters.");
        Directory.CreateDirectory(folder);
        var config = new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = baseModel,
            ["r"] = lora.Rank,
            ["lora_alpha"] = lora.Alpha,
            ["lora_dropout"] = 0.0,
            ["bias"] = "none",
            ["target_modules"] = new JsonArray([.. lora.Targets.Select(static target => (JsonNode)target)]),
        };
        File.WriteAllText(Path.Combine(folder, LoraAdapter.ConfigName), config.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");
        using var writer = new SafetensorsWriter(
            Path.Combine(folder, LoraAdapter.WeightsName), [.. module.Trainable.Select(static p => new TensorDeclaration(p.Name, DType.F32, p.Value.shape))]);
        foreach (var parameter in module.Trainable)
        {
            writer.Write(parameter.Name, MemoryMarshal.AsBytes(parameter.Value.Values()));
        }

        writer.Complete();
    }

    /// <summary>Gives a module without adapters those of a folder.</summary>
    /// <exception cref="InvalidInputException">The folder holds none, or they belong to another model.</exception>
    public static void Load(string folder, MiniMaxM1Module module)
    {
        using var adapter = LoraAdapter.Open(folder);
        module.AddLora(new LoraOptions { Rank = adapter.Rank, Alpha = adapter.Alpha, Targets = adapter.Targets }, seed: 0);
        foreach (var parameter in module.Trainable)
        {
            adapter.ReadF32(parameter.Name, parameter.Value.shape).CopyTo(parameter.Value.Values());
        }
    }
}
