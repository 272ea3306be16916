using System.Globalization;
using System.Text.RegularExpressions;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The weights of one model: a folder with <c>model.safetensors.index.json</c> and its shards, or with a single
/// <c>model.safetensors</c>, or with <c>model-*-of-*.safetensors</c> and no index.
/// With an index, a shard is opened when its first tensor is asked for.
/// </summary>
public sealed partial class Checkpoint : IWeightSource
{
    /// <summary>Name of the index file.</summary>
    public const string IndexName = "model.safetensors.index.json";

    private const string SingleName = "model.safetensors";
    private readonly Lock gate = new();
    private readonly IReadOnlyDictionary<string, string> shardOf;
    private readonly Dictionary<string, SafetensorsFile> open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> tensorsOf;
    private bool disposed;

    private Checkpoint(string folder, IReadOnlyDictionary<string, string> shardOf)
    {
        Folder = folder;
        this.shardOf = shardOf;
        TensorNames = [.. shardOf.Keys];
        tensorsOf = shardOf.GroupBy(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Names of all tensors.</summary>
    public IReadOnlyCollection<string> TensorNames { get; }

    /// <summary>Number of files with weights.</summary>
    public int ShardCount => tensorsOf.Count;

    /// <summary>Number of files that are mapped by now.</summary>
    public int OpenShardCount
    {
        get
        {
            lock (gate)
            {
                return open.Count;
            }
        }
    }

    /// <summary>Opens the checkpoint in <paramref name="folder"/>.</summary>
    /// <exception cref="InvalidInputException">There is no checkpoint, files of it are missing, or the index is malformed.</exception>
    public static Checkpoint Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new InvalidInputException($"{folder} is no folder. Name the folder that holds config.json and the *.safetensors files.");
        }

        var indexPath = Path.Combine(folder, IndexName);
        if (File.Exists(indexPath))
        {
            var shardOf = CheckpointIndex.Read(indexPath).WeightMap;
            CheckPresent(folder, shardOf.Values.Distinct().ToList(), IndexName);
            return new Checkpoint(folder, shardOf);
        }

        return OpenFiles(folder, File.Exists(Path.Combine(folder, SingleName)) ? [SingleName] : ShardsWithoutIndex(folder));
    }

    /// <summary>True when the checkpoint has tensor <paramref name="name"/>.</summary>
    public bool Contains(string name) => shardOf.ContainsKey(name);

    /// <summary>Type and shape of a tensor.</summary>
    /// <exception cref="InvalidInputException">No such tensor, or its shard is unusable.</exception>
    public SafetensorsEntry Entry(string name) => FileOf(name).Entry(name);

    /// <summary>A tensor of one or two dimensions, see <see cref="SafetensorsFile.Matrix(string)"/>.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another rank, or its shard is unusable.</exception>
    public Weight Matrix(string name) => FileOf(name).Matrix(name);

    /// <summary>Slice <paramref name="index"/> of a tensor of three dimensions, see <see cref="SafetensorsFile.Matrix(string, int)"/>.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another rank, or its shard is unusable.</exception>
    public Weight Matrix(string name, int index) => FileOf(name).Matrix(name, index);

    /// <summary>A copy of a tensor as f32.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another element type, or its shard is unusable.</exception>
    public float[] ReadF32(string name) => FileOf(name).ReadF32(name);

    /// <summary>Path of the file that holds tensor <paramref name="name"/>.</summary>
    /// <exception cref="InvalidInputException">No such tensor.</exception>
    public string PathOf(string name) => Path.Combine(Folder, ShardOf(name));

    string IWeightSource.Location => Folder;

    string IWeightSource.ConfigName => "config.json";

    long[] IWeightSource.ShapeOf(string name) => Entry(name).Shape;

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            foreach (var file in open.Values)
            {
                file.Dispose();
            }

            open.Clear();
        }
    }

    private static Checkpoint OpenFiles(string folder, IReadOnlyList<string> names)
    {
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var name in names)
            {
                files[name] = SafetensorsFile.Open(Path.Combine(folder, name));
                foreach (var tensor in files[name].Entries.Keys)
                {
                    if (!shardOf.TryAdd(tensor, name))
                    {
                        throw new InvalidInputException(
                            $"{folder}: both {shardOf[tensor]} and {name} hold tensor {tensor}. They belong to different checkpoints; "
                            + "download the folder again.");
                    }
                }
            }
        }
        catch
        {
            foreach (var file in files.Values)
            {
                file.Dispose();
            }

            throw;
        }

        var checkpoint = new Checkpoint(folder, shardOf);
        foreach (var (name, file) in files)
        {
            checkpoint.open.Add(name, file);
        }

        return checkpoint;
    }

    /// <summary>The complete set model-i-of-N without an index; i counts from 0 or from 1.</summary>
    private static List<string> ShardsWithoutIndex(string folder)
    {
        var shards = Directory.EnumerateFiles(folder).Select(path => ShardPattern().Match(Path.GetFileName(path)))
            .Where(match => match.Success).OrderBy(match => match.Value, StringComparer.Ordinal).ToList();
        var counts = shards.Select(match => match.Groups[2].Value).Distinct().ToList();
        if (counts.Count != 1)
        {
            throw new InvalidInputException(counts.Count == 0
                ? $"{folder} holds no weights: neither {IndexName} nor {SingleName} nor model-*-of-*.safetensors. "
                    + "Download the checkpoint, or name another folder."
                : $"{folder} mixes shards of different checkpoints (of {string.Join(" and of ", counts)}) and has no {IndexName}. Download it.");
        }

        var count = int.Parse(counts[0], CultureInfo.InvariantCulture);
        var numbers = shards.Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToList();
        var first = !numbers.Contains(0) && numbers.Contains(count) ? 1 : 0;
        var expected = Enumerable.Range(first, count).Select(i => $"model-{i:D5}-of-{counts[0]}.safetensors").ToList();
        CheckPresent(folder, expected, $"the name {shards[0].Value}");
        return expected;
    }

    private static void CheckPresent(string folder, List<string> shards, string source)
    {
        var missing = shards.Where(shard => !File.Exists(Path.Combine(folder, shard))).ToList();
        if (missing.Count > 0)
        {
            var names = string.Join(", ", missing.Take(5)) + (missing.Count > 5 ? ", …" : "");
            throw new InvalidInputException(
                $"{folder}: {missing.Count} of {shards.Count} shards that {source} asks for are missing: {names}. "
                + "Download them from the model's repository into this folder.");
        }
    }

    [GeneratedRegex(@"^model-([0-9]{5})-of-([0-9]{5})\.safetensors$")]
    private static partial Regex ShardPattern();

    private string ShardOf(string name) => shardOf.TryGetValue(name, out var shard)
        ? shard
        : throw new InvalidInputException(
            $"{Folder} has no tensor {name} among its {shardOf.Count}. The checkpoint is incomplete or does not belong to this config.json; "
            + "download both again.");

    private SafetensorsFile FileOf(string name)
    {
        var shard = ShardOf(name);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            if (!open.TryGetValue(shard, out var file))
            {
                file = OpenShard(shard);
                open.Add(shard, file);
            }

            return file;
        }
    }

    private SafetensorsFile OpenShard(string shard)
    {
        var file = SafetensorsFile.Open(Path.Combine(Folder, shard));
        try
        {
            CheckAgreement(shard, file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Index and shard must name the same tensors, or they belong to different checkpoints.</summary>
    private void CheckAgreement(string shard, SafetensorsFile file)
    {
        if (tensorsOf[shard].Find(tensor => !file.Entries.ContainsKey(tensor)) is { } absent)
        {
            throw new InvalidInputException($"{file.Path} lacks tensor {absent}, which {IndexName} places there. Download both files again.");
        }

        if (file.Entries.Keys.FirstOrDefault(tensor => shardOf.GetValueOrDefault(tensor) != shard) is { } unlisted)
        {
            throw new InvalidInputException(
                $"{file.Path} holds tensor {unlisted}, which {IndexName} does not place there. They belong to different checkpoints: "
                + "download both files again, or delete the index so that all shards are read.");
        }
    }
}
