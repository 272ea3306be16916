using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using Tensor = TorchSharp.torch.Tensor;

namespace MiniMaxSharp.Training;

/// <summary>
/// A checkpoint <c>checkpoints/step-00000123</c> of a run: a model folder in the official layout, which the engine runs at once, and <c>trainer/</c> with
/// all that going on exactly needs: <c>optimizer.safetensors</c> (<c>m.NAME</c>, <c>v.NAME</c>, and <c>master.NAME</c> of weights that the model folder holds
/// rounded), <c>state.json</c> of the loop, <c>recipe.json</c>, and last <c>files.json</c> with size and SHA-256 of every file.
/// A LoRA run also keeps <c>adapter/</c>, in the layout of PEFT; its model folder holds the merged weights. The folder gets its name when everything is on the disk, so a process may end at any moment.
/// </summary>
public sealed class TrainingCheckpoint
{
    private const string StepPrefix = "step-";
    private const string AdapterName = "adapter";
    private static readonly JsonSerializerOptions indented = new() { WriteIndented = true, NewLine = "\n" };

    private TrainingCheckpoint(string folder, JsonObject document, JsonObject recipe)
    {
        Folder = folder;
        Step = (long)document["step"]!;
        OptimizerSteps = (int)document["optimizer_steps"]!;
        State = document["state"]!.AsObject();
        Recipe = recipe;
    }

    /// <summary>The model folder.</summary>
    public string Folder { get; }

    /// <summary>Steps that the run had done.</summary>
    public long Step { get; }

    /// <summary>State of the loop as it was given to <see cref="Save"/>.</summary>
    public JsonObject State { get; }

    /// <summary>The resolved recipe of the run.</summary>
    public JsonObject Recipe { get; }

    /// <summary>Folder with the adapters of a LoRA run; the model folder holds them merged.</summary>
    public string Adapter => Path.Combine(Folder, AdapterName);

    private int OptimizerSteps { get; }

    /// <summary>Where the checkpoints of a run are.</summary>
    public static string FolderOf(string runFolder) => Path.Combine(runFolder, "checkpoints");

    /// <summary>Writes the checkpoint of a step, then removes all but the newest <paramref name="keepLast"/>.</summary>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="module">The model.</param>
    /// <param name="optimizer">Its optimiser.</param>
    /// <param name="state">What the loop needs to go on: data cursor, random states, statistics. It is not kept.</param>
    /// <param name="files">Tokenizer and recipe.</param>
    /// <param name="keepLast">Checkpoints to keep, at least 1.</param>
    /// <returns>The folder.</returns>
    /// <exception cref="IOException">It cannot be written, for example because the disk is full; earlier checkpoints are as they were.</exception>
    public static string Save(
        string runFolder, long step, MiniMaxM1Module module, AdamW optimizer, JsonObject state, CheckpointFiles files, int keepLast = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keepLast, 1);
        Directory.CreateDirectory(FolderOf(runFolder));
        DurableFolder.DeleteUnfinished(FolderOf(runFolder));
        var folder = Path.Combine(FolderOf(runFolder), string.Create(CultureInfo.InvariantCulture, $"{StepPrefix}{step:D8}"));
        try
        {
            DurableFolder.Create(folder, target => WriteFiles(target, step, module, optimizer, state, files));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var last = Steps(runFolder).Select(static found => found.Folder).FirstOrDefault();
            throw new IOException(
                $"The checkpoint of step {step} cannot be written to {folder}: {exception.Message.TrimEnd('.')}. "
                + (last is null ? "There is no earlier one." : $"The last one is whole: {last}. Make room, then go on with --resume."),
                exception);
        }

        foreach (var (_, older) in Steps(runFolder).Skip(keepLast))
        {
            Directory.Delete(older, recursive: true);
        }

        return folder;
    }

    /// <summary>The newest whole checkpoint of a run, or null when there is none. Damaged ones are passed over.</summary>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="damaged">Told what is wrong with each checkpoint that is passed over.</param>
    public static TrainingCheckpoint? Latest(string runFolder, Action<string>? damaged = null)
    {
        foreach (var (_, folder) in Steps(runFolder))
        {
            try
            {
                return Open(folder);
            }
            catch (InvalidInputException exception)
            {
                damaged?.Invoke(exception.Message);
            }
        }

        return null;
    }

    /// <summary>Opens a checkpoint after checking every file of it.</summary>
    /// <exception cref="InvalidInputException">It is damaged or no training checkpoint.</exception>
    public static TrainingCheckpoint Open(string folder)
    {
        try
        {
            foreach (var (name, expected) in ReadJson(Path.Combine(folder, "trainer", "files.json")))
            {
                Check(Path.Combine(folder, name), (long)expected!["bytes"]!, (string)expected["sha256"]!);
            }

            return new TrainingCheckpoint(
                folder, ReadJson(Path.Combine(folder, "trainer", "state.json")), ReadJson(Path.Combine(folder, "trainer", "recipe.json")));
        }
        catch (Exception exception) when (exception is IOException or JsonException or UnauthorizedAccessException or InvalidOperationException
            or NullReferenceException or FormatException)
        {
            throw new InvalidInputException($"{folder} is no whole training checkpoint: {exception.Message} Use an earlier one, or remove the folder.", exception);
        }
    }

    /// <summary>The model with its exact f32 weights.</summary>
    /// <exception cref="InvalidInputException">A file is damaged.</exception>
    public MiniMaxM1Module LoadModule(ModuleOptions? options = null)
    {
        var module = MiniMaxM1Module.Load(Folder, options);
        using var file = OpenOptimizer();
        foreach (var parameter in module.Parameters.Where(p => file.Entries.ContainsKey("master." + p.Name)))
        {
            Read(file, "master." + parameter.Name, parameter.Value);
        }

        return module;
    }

    /// <summary>Puts the moments and the step count into the optimiser of the model from <see cref="LoadModule"/>.</summary>
    /// <exception cref="InvalidInputException">The checkpoint is of another model.</exception>
    public void Restore(AdamW optimizer)
    {
        using var file = OpenOptimizer();
        foreach (var moments in optimizer.Moments)
        {
            Read(file, "m." + moments.Name, moments.M);
            Read(file, "v." + moments.Name, moments.V);
        }

        optimizer.StepCount = OptimizerSteps;
    }

    private static List<(long Step, string Folder)> Steps(string runFolder) => !Directory.Exists(FolderOf(runFolder)) ? [] :
        [.. Directory.EnumerateDirectories(FolderOf(runFolder), StepPrefix + "*")
            .Select(static folder => (long.TryParse(Path.GetFileName(folder)[StepPrefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step)
                ? step : -1, folder))
            .Where(static found => found.Item1 >= 0)
            .OrderByDescending(static found => found.Item1)];

    private static void WriteFiles(string folder, long step, MiniMaxM1Module module, AdamW optimizer, JsonObject state, CheckpointFiles files)
    {
        module.Save(folder);
        foreach (var (name, bytes) in files.Files)
        {
            File.WriteAllBytes(Path.Combine(folder, name), bytes);
        }

        if (module.Lora is not null)
        {
            LoraFile.Write(Path.Combine(folder, AdapterName), module, files.Recipe["model"]?.ToString() ?? "");
        }

        var trainer = Directory.CreateDirectory(Path.Combine(folder, "trainer")).FullName;
        WriteOptimizer(Path.Combine(trainer, "optimizer.safetensors"), module, optimizer);
        WriteJson(Path.Combine(trainer, "recipe.json"), files.Recipe);
        WriteJson(
            Path.Combine(trainer, "state.json"),
            new JsonObject { ["step"] = step, ["optimizer_steps"] = optimizer.StepCount, ["state"] = state.DeepClone() });
        var list = new JsonObject();
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            list[Path.GetRelativePath(folder, path)] = new JsonObject { ["bytes"] = new FileInfo(path).Length, ["sha256"] = Hash(path) };
        }

        WriteJson(Path.Combine(trainer, "files.json"), list);
    }

    private static void WriteOptimizer(string path, MiniMaxM1Module module, AdamW optimizer)
    {
        var tensors = optimizer.Moments.SelectMany(static moments => new[] { ("m." + moments.Name, moments.M), ("v." + moments.Name, moments.V) })
            .Concat(module.StoredType == DType.F32 || module.Lora is not null ? [] : module.Parameters.Select(static p => ("master." + p.Name, (Tensor)p.Value)))
            .ToList();
        using var writer = new SafetensorsWriter(path, [.. tensors.Select(static tensor => new TensorDeclaration(tensor.Item1, DType.F32, tensor.Item2.shape))]);
        foreach (var (name, tensor) in tensors)
        {
            writer.Write(name, MemoryMarshal.AsBytes(tensor.Values()));
        }

        writer.Complete();
    }

    private static void Read(SafetensorsFile file, string name, Tensor target)
    {
        var values = file.ReadF32(name);
        if (!file.Entry(name).Shape.SequenceEqual(target.shape))
        {
            throw new InvalidInputException(
                $"{file.Path}: {name} has the shape [{string.Join(", ", file.Entry(name).Shape)}], the model [{string.Join(", ", target.shape)}]. Resume with the recipe of the run.");
        }

        values.CopyTo(target.Values());
    }

    private static void Check(string path, long bytes, string sha256)
    {
        var length = new FileInfo(path).Length;
        if (length != bytes)
        {
            throw new IOException($"{Path.GetFileName(path)} has {length:N0} bytes; {bytes:N0} were written.");
        }

        if (Hash(path) != sha256)
        {
            throw new IOException($"{Path.GetFileName(path)} has changed since it was written.");
        }
    }

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static JsonObject ReadJson(string path) => JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject
        ?? throw new JsonException($"{Path.GetFileName(path)} is not a JSON object.");

    private static void WriteJson(string path, JsonObject json) => File.WriteAllText(path, json.ToJsonString(indented) + "\n");

    private SafetensorsFile OpenOptimizer() => SafetensorsFile.Open(Path.Combine(Folder, "trainer", "optimizer.safetensors"));
}
