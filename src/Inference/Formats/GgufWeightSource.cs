using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The tensors of a GGUF model under their official names. A stack of experts [E, rows, columns] appears as its matrices.
/// A model that was split into several files is read as one.
/// </summary>
internal sealed class GgufWeightSource : IWeightSource
{
    private readonly IReadOnlyList<GgufFile> files;
    private readonly Dictionary<string, GgufFile> fileOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Name, int Expert)> byOfficialName = new(StringComparer.Ordinal);

    public GgufWeightSource(IReadOnlyList<GgufFile> files, MiniMaxM1Config config)
    {
        this.files = files;
        foreach (var file in files)
        {
            foreach (var name in file.Tensors.Keys)
            {
                if (!fileOf.TryAdd(name, file))
                {
                    throw new InvalidInputException($"Both {fileOf[name].Path} and {file.Path} hold tensor {name}. They belong to different models.");
                }
            }
        }

        CheckCounts(config);
        var unclaimed = new HashSet<string>(fileOf.Keys, StringComparer.Ordinal);
        foreach (var tensor in TensorManifest.Create(config).Tensors)
        {
            if (GgufNames.Of(tensor.Name) is { } place && fileOf.ContainsKey(place.Name))
            {
                byOfficialName.Add(tensor.Name, place);
                unclaimed.Remove(place.Name);
            }
        }

        // What has no place keeps its name, so that the loader reports it.
        foreach (var name in unclaimed)
        {
            byOfficialName.Add(name, (name, -1));
        }
    }

    public string Location => files[0].Path;

    public string ConfigName => "the metadata";

    public IReadOnlyCollection<string> TensorNames => byOfficialName.Keys;

    public bool Contains(string name) => byOfficialName.ContainsKey(name);

    public long[] ShapeOf(string name)
    {
        var (file, tensor, expert) = Find(name);
        var shape = file.Tensor(tensor).Shape;
        if (expert < 0)
        {
            return shape;
        }

        return shape.Length == 3 && expert < shape[0]
            ? shape[1..]
            : throw new InvalidInputException(
                $"{file.Path}: tensor {tensor} has the shape {SafetensorsEntry.Text(shape)}, in which there is no expert {expert}. "
                + "Metadata and tensors belong to different models; convert the model again.");
    }

    public string PathOf(string name) => Find(name).File.Path;

    public Weight Matrix(string name)
    {
        var (file, tensor, expert) = Find(name);
        return expert < 0 ? file.Matrix(tensor) : file.Matrix(tensor, expert);
    }

    public Weight Matrix(string name, int index) => Find(name) is var (file, tensor, _) ? file.Matrix(tensor, index) : default;

    public void Dispose()
    {
        foreach (var file in files)
        {
            file.Dispose();
        }
    }

    /// <summary>The metadata's counts must be those of the tensors, before names are made for them.</summary>
    private void CheckCounts(MiniMaxM1Config config)
    {
        var last = GgufNames.Of(WeightMap.Expert(config.NumHiddenLayers - 1, 0, "w2"))!.Value.Name;
        if (!fileOf.TryGetValue(last, out var file) || file.Tensor(last).Shape[0] != config.NumLocalExperts)
        {
            throw new InvalidInputException(
                $"{Location}: the metadata speaks of {config.NumHiddenLayers} layers with {config.NumLocalExperts} experts, but {last} "
                + (file is null ? "is missing. " : $"has the shape {SafetensorsEntry.Text(file.Tensor(last).Shape)}. ")
                + "The file is incomplete or damaged; download or convert it again.");
        }
    }

    private (GgufFile File, string Tensor, int Expert) Find(string name)
    {
        if (byOfficialName.TryGetValue(name, out var place))
        {
            return (fileOf[place.Name], place.Name, place.Expert);
        }

        var wanted = GgufNames.Of(name)?.Name ?? name;
        throw new InvalidInputException(
            $"{Location} has no tensor {wanted} among its {fileOf.Count}. The file is incomplete or its metadata is of another model; convert the model again.");
    }
}
