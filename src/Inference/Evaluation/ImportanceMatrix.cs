using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <summary>
/// How much each input column of each matrix matters: the mean square of its activations over a calibration text, for every expert from the tokens that
/// reached it. Kept under GGUF names, in llama.cpp's file format (tensors <c>NAME.in_sum2</c> [matrices, columns] and <c>NAME.counts</c> [matrices, 1]).
/// </summary>
public sealed class ImportanceMatrix
{
    private const string SumSuffix = ".in_sum2";
    private const string CountSuffix = ".counts";

    /// <summary>A column that the text hardly used keeps this share of the mean importance, so that its weights do not become arbitrary.</summary>
    private const float LeastShare = 1e-3f;

    private readonly SortedDictionary<string, Sums> byName = new(StringComparer.Ordinal);

    /// <summary>Tokens that were run.</summary>
    public long Tokens { get; private set; }

    /// <summary>Names of the tensors that have sums, as GGUF names.</summary>
    public IReadOnlyCollection<string> Names => byName.Keys;

    /// <summary>Runs <paramref name="ids"/> through a model, in windows that start from an empty state.</summary>
    /// <exception cref="InvalidInputException">No ids, or one outside the vocabulary.</exception>
    public static ImportanceMatrix Collect(
        MiniMaxM1 model, ReadOnlyMemory<int> ids, int window, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        if (ids.Length == 0)
        {
            throw new InvalidInputException("The calibration text is empty; some thousand tokens of ordinary text are needed.");
        }

        var matrix = new ImportanceMatrix();
        model.Inputs = matrix;
        try
        {
            for (var start = 0; start < ids.Length; start += window)
            {
                using var state = model.CreateState();
                for (var done = start; done < Math.Min(start + window, ids.Length);)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var count = Math.Min(model.MaxStepTokens, Math.Min(start + window, ids.Length) - done);
                    model.Forward([new SequenceChunk(state, ids.Slice(done, count))]);
                    matrix.Tokens += count;
                    done += count;
                    progress?.Report(done);
                }
            }
        }
        finally
        {
            model.Inputs = null;
        }

        return matrix;
    }

    /// <summary>Reads a file that <see cref="Write"/> or llama.cpp's llama-imatrix made.</summary>
    /// <exception cref="InvalidInputException">The file is damaged or no importance matrix.</exception>
    public static ImportanceMatrix Read(string path)
    {
        using var file = GgufFile.Open(path);
        var matrix = new ImportanceMatrix();
        foreach (var tensor in file.Tensors.Keys.Where(static name => name.EndsWith(SumSuffix, StringComparison.Ordinal)))
        {
            var name = tensor[..^SumSuffix.Length];
            var values = file.Matrix(tensor);
            var counts = file.Matrix(name + CountSuffix).ToArray();
            if (counts.Length != values.Rows)
            {
                throw new InvalidInputException(
                    $"{path}: {tensor} has {values.Rows} rows, but {name}{CountSuffix} has {counts.Length} numbers. The file is damaged; make it again.");
            }

            matrix.byName.Add(name, new Sums(values.Columns, Array.ConvertAll(values.ToArray(), static value => (double)value), Array.ConvertAll(counts, static value => (double)value)));
        }

        return matrix.byName.Count > 0
            ? matrix
            : throw new InvalidInputException($"{path} holds no tensor *{SumSuffix}, so it is no importance matrix. Make one with --imatrix TEXT --imatrix-out FILE.");
    }

    /// <summary>Writes the sums as a GGUF file of type <c>imatrix</c>; it gets its name at the end.</summary>
    /// <param name="path">The file.</param>
    /// <param name="dataset">What the text was, for people.</param>
    /// <param name="window">Tokens of a window.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string path, string dataset, int window)
    {
        List<TensorDeclaration> tensors = [];
        foreach (var (name, sums) in byName)
        {
            tensors.Add(new TensorDeclaration(name + SumSuffix, Kernels.DType.F32, [sums.Counts.Length, sums.Columns]));
            tensors.Add(new TensorDeclaration(name + CountSuffix, Kernels.DType.F32, [sums.Counts.Length, 1]));
        }

        using var writer = new GgufWriter(
            path,
            [
                new("general.type", GgufValue.Of("imatrix")),
                new("imatrix.datasets", GgufValue.Of(new[] { dataset })),
                new("imatrix.chunk_count", GgufValue.Of((uint)((Tokens + window - 1) / window))),
                new("imatrix.chunk_size", GgufValue.Of((uint)window)),
            ],
            tensors);
        foreach (var (name, sums) in byName)
        {
            WriteNumbers(writer, name + SumSuffix, sums.Squares);
            WriteNumbers(writer, name + CountSuffix, sums.Counts);
        }

        writer.Complete();
    }

    /// <summary>
    /// Importance of each column of matrix <paramref name="expert"/> (0 for a tensor that is one matrix), for <see cref="Kernels.Quantizer"/>;
    /// empty where the text says nothing.
    /// </summary>
    /// <exception cref="InvalidInputException">The sums are of another shape, so of another model.</exception>
    public float[] Of(string ggufName, int expert, int columns)
    {
        if (!byName.TryGetValue(ggufName, out var sums))
        {
            return [];
        }

        if (sums.Columns != columns || expert >= sums.Counts.Length)
        {
            throw new InvalidInputException(
                $"The importance matrix of {ggufName} has {sums.Counts.Length} × {sums.Columns} columns, which is not the shape of this model's. Make it from the same model.");
        }

        var importance = new float[columns];
        var total = 0.0;
        for (var k = 0; k < columns && sums.Counts[expert] > 0; k++)
        {
            importance[k] = (float)(sums.Squares[((long)expert * columns) + k] / sums.Counts[expert]);
            total += importance[k];
        }

        var least = (float)(LeastShare * total / columns);
        if (least == 0 || !float.IsFinite(least))
        {
            return [];
        }

        foreach (ref var value in importance.AsSpan())
        {
            value = MathF.Max(value, least);
        }

        return importance;
    }

    /// <summary>Adds the squares of inputs x [T, columns] of one matrix, official name. A matrix without a GGUF name is left out.</summary>
    internal void Add(string officialName, ReadOnlySpan<float> x, int columns, int experts)
    {
        if (GgufNames.Of(officialName) is not var (name, expert))
        {
            return;
        }

        if (!byName.TryGetValue(name, out var sums))
        {
            var matrices = expert < 0 ? 1 : experts;
            byName.Add(name, sums = new Sums(columns, new double[(long)matrices * columns], new double[matrices]));
        }

        var index = Math.Max(expert, 0);
        var squares = sums.Squares.AsSpan(index * columns, columns);
        for (; !x.IsEmpty; x = x[columns..])
        {
            sums.Counts[index]++;
            for (var k = 0; k < columns; k++)
            {
                squares[k] += (double)x[k] * x[k];
            }
        }
    }

    private static void WriteNumbers(GgufWriter writer, string name, double[] numbers) =>
        writer.Write(name, MemoryMarshal.AsBytes(Array.ConvertAll(numbers, static number => (float)number).AsSpan()));

    /// <summary>Σ x² [matrices, columns] and the number of rows of x behind it.</summary>
    private sealed record Sums(int Columns, double[] Squares, double[] Counts);
}
