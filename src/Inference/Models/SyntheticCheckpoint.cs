using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// A checkpoint of random weights in the official layout, for tests and benchmarks: matrices [out, in] are N(0, 1/in), norms 1 + 0.2 N(0, 1),
/// the embedding N(0, 1) (specification section 11). The same seed gives the same bytes on any number of threads;
/// the same seed in another dtype gives the same numbers, rounded.
/// </summary>
public sealed class SyntheticCheckpoint
{
    /// <summary>Default of the largest shard.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    private const int ChunkElements = 1 << 20;
    private const int MaxChunksInFlight = 32;
    private readonly MiniMaxM1Config config;
    private readonly TensorManifest manifest;
    private readonly ulong seed;
    private readonly Dictionary<(DType Type, float Mean, float Deviation), NormalTable> tables = [];

    /// <summary>Plans a checkpoint.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="seed">Seed of all weights.</param>
    /// <param name="type">F32, F16 or BF16; routers are always F32.</param>
    /// <exception cref="InvalidInputException">The configuration is unusable.</exception>
    public SyntheticCheckpoint(MiniMaxM1Config config, ulong seed, DType type)
    {
        this.config = config with { TorchDtype = type };
        this.seed = seed;
        manifest = TensorManifest.Create(config, type);
    }

    /// <summary>Number of tensors.</summary>
    public int TensorCount => manifest.Tensors.Length;

    /// <summary>Number of weights.</summary>
    public long ParameterCount => manifest.TotalParameters;

    /// <summary>Bytes of all tensors.</summary>
    public long TotalBytes => manifest.TotalBytes;

    /// <summary>
    /// Writes config.json, shards and index into <paramref name="folder"/>, which is made if needed. Files get their names at the end;
    /// a failure or a cancellation leaves nothing new. Weight files of an older checkpoint in the folder are replaced.
    /// </summary>
    /// <param name="folder">Where to.</param>
    /// <param name="shardBytes">Most bytes of one shard.</param>
    /// <param name="progress">Receives the bytes written so far; called on a worker thread.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public async Task WriteAsync(
        string folder, long shardBytes = DefaultShardBytes, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        var isNew = !Directory.Exists(folder);
        Directory.CreateDirectory(folder);
        var configPath = Path.Combine(folder, "config.json");
        var older = Directory.GetFiles(folder, "model-*-of-*.safetensors").Append(Path.Combine(folder, "model.safetensors"));
        try
        {
            await File.WriteAllTextAsync(configPath + ".tmp", config.ToJson(), cancellationToken).ConfigureAwait(false);
            var declarations = manifest.Tensors.Select(t => new TensorDeclaration(t.Name, t.Type, [.. t.Shape.Select(size => (long)size)]));
            using var writer = new CheckpointWriter(folder, [.. declarations], shardBytes);
            await WriteTensorsAsync(writer, progress, cancellationToken).ConfigureAwait(false);
            writer.Complete();
            File.Move(configPath + ".tmp", configPath, overwrite: true);
            foreach (var path in older.ExceptBy(writer.ShardNames, Path.GetFileName))
            {
                File.Delete(path);
            }
        }
        finally
        {
            File.Delete(configPath + ".tmp");
            if (isNew && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
            }
        }
    }

    /// <summary>Writes one set of chunks while the next is made.</summary>
    private async Task WriteTensorsAsync(CheckpointWriter writer, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var setSize = Math.Min(4 * Environment.ProcessorCount, MaxChunksInFlight);
        byte[][][] buffers = [NewBuffers(setSize), NewBuffers(setSize)];
        var writing = Task.CompletedTask;
        var done = 0L;
        var turn = 0;
        try
        {
            foreach (var chunks in Chunks().Chunk(setSize))
            {
                var target = buffers[turn ^= 1];
                var options = new ParallelOptions { CancellationToken = cancellationToken };
                Parallel.For(0, chunks.Length, options, i => chunks[i].Fill(target[i]));
                await writing.ConfigureAwait(false);
                writing = Task.Run(() => WriteChunks(chunks, target), CancellationToken.None);
            }
        }
        finally
        {
            // The files must not be closed under the writing task, whatever happened here.
            await writing.ConfigureAwait(false);
        }

        void WriteChunks(Chunk[] chunks, byte[][] data)
        {
            for (var i = 0; i < chunks.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer.Write(chunks[i].Name, data[i].AsSpan(0, chunks[i].ByteCount));
                done += chunks[i].ByteCount;
                progress?.Report(done);
            }
        }
    }

    private static byte[][] NewBuffers(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => GC.AllocateUninitializedArray<byte>(ChunkElements * sizeof(float)))];

    private IEnumerable<Chunk> Chunks()
    {
        foreach (var tensor in manifest.Tensors)
        {
            var table = TableOf(tensor);
            var key = NormalTable.StreamKey(seed, tensor.Name);
            for (var first = 0L; first < tensor.ElementCount; first += ChunkElements)
            {
                yield return new Chunk(tensor.Name, table, key, first, (int)Math.Min(ChunkElements, tensor.ElementCount - first));
            }
        }
    }

    private NormalTable TableOf(ManifestTensor tensor)
    {
        var (mean, deviation) = tensor.Role switch
        {
            TensorRole.Embedding => (0f, 1f),
            TensorRole.Norm => (1f, 0.2f),
            _ => (0f, 1 / MathF.Sqrt(tensor.Shape[^1])),
        };
        if (!tables.TryGetValue((tensor.Type, mean, deviation), out var table))
        {
            table = new NormalTable(tensor.Type, mean, deviation);
            tables.Add((tensor.Type, mean, deviation), table);
        }

        return table;
    }

    /// <summary>Elements [First, First + Count) of one tensor.</summary>
    private readonly record struct Chunk(string Name, NormalTable Table, ulong Key, long First, int Count)
    {
        public int ByteCount => Count * Table.Type.ByteSize();

        public void Fill(byte[] buffer) => Table.Fill(Key, First, buffer.AsSpan(0, ByteCount));
    }
}
