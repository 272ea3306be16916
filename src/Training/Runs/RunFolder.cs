using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>The folder of a run, held by one process at a time: <c>run.json</c> with the resolved recipe, metrics, checkpoints.</summary>
public sealed class RunFolder : IDisposable
{
    private const string RecipeName = "run.json";
    private readonly FileStream runLock;

    private RunFolder(string path, FileStream runLock) => (Path, this.runLock) = (path, runLock);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Takes the folder of a run, which is made if needed.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="resume">True goes on with the run that is there, if one is.</param>
    /// <exception cref="InvalidInputException">Another process has it, or it holds a run and <paramref name="resume"/> is false.</exception>
    public static RunFolder Open(string path, bool resume)
    {
        if (!resume && File.Exists(System.IO.Path.Combine(path, RecipeName)))
        {
            throw new InvalidInputException($"{path} holds a run already. Go on with it by --resume, or name another folder with --out.");
        }

        try
        {
            Directory.CreateDirectory(path);
            return new RunFolder(path, new FileStream(System.IO.Path.Combine(path, "run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be used for a run: {exception.Message} Does another process train there?", exception);
        }
    }

    /// <summary>The recipe of the run in a folder, or null when there is none.</summary>
    /// <exception cref="InvalidInputException">The file is damaged.</exception>
    public static JsonObject? ReadRecipe(string path)
    {
        var file = System.IO.Path.Combine(path, RecipeName);
        try
        {
            return File.Exists(file) ? JsonNode.Parse(File.ReadAllBytes(file)) as JsonObject ?? throw new JsonException("it is not an object.") : null;
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"{file} is damaged: {exception.Message} Copy trainer/recipe.json of a checkpoint over it.", exception);
        }
    }

    /// <summary>Writes <c>run.json</c>.</summary>
    /// <exception cref="InvalidInputException">There are checkpoints of a run that began with another model.</exception>
    public void WriteRecipe(JsonObject recipe)
    {
        if (ReadRecipe(Path) is { } before && ModelOf(before) is { } began && ModelOf(recipe) is { } model && began != model && TrainingCheckpoint.Latest(Path) is not null)
        {
            throw new InvalidInputException($"The run in {Path} began with the model {began}, not with {model}. Go on with it without --model, or name another folder with --out.");
        }

        WriteText(RecipeName, TrainingRunJson.ToText(recipe) + "\n");
    }

    /// <summary>Writes a file under a temporary name and renames it.</summary>
    /// <returns>Its path.</returns>
    public string WriteText(string name, string text)
    {
        var target = System.IO.Path.Combine(Path, name);
        File.WriteAllText(target + ".tmp", text);
        File.Move(target + ".tmp", target, overwrite: true);
        return target;
    }

    private static string? ModelOf(JsonObject recipe) => (string?)recipe["model"] is { Length: > 0 } model ? System.IO.Path.GetFullPath(model) : null;

    /// <inheritdoc/>
    public void Dispose() => runLock.Dispose();
}
