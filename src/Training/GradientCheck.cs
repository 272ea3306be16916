using System.Globalization;
using System.Runtime.InteropServices;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>How one tensor compares with the golden file.</summary>
/// <param name="Name">For example <c>grad.sft.model.norm.weight</c>.</param>
/// <param name="Error">Largest difference over the largest golden magnitude.</param>
public sealed record GradientError(string Name, double Error);

/// <summary>
/// Loss and gradients of the sequences of a golden file (specification section 11): <c>seq.i</c>, <c>old_logprobs.i</c> of the response tokens,
/// <c>advantages</c>, and <c>eps_high</c> in the metadata. Kinds: sft and sft_aux on <c>seq.0</c>, cispo on all.
/// </summary>
public sealed class GradientCheck
{
    private static readonly string[] allKinds = ["sft", "sft_aux", "cispo"];

    private readonly MiniMaxM1Module module;
    private readonly SafetensorsFile golden;
    private readonly int[][] sequences;
    private readonly Dictionary<string, float[]> results = new(StringComparer.Ordinal);

    private GradientCheck(MiniMaxM1Module module, SafetensorsFile golden)
    {
        (this.module, this.golden) = (module, golden);
        sequences = [.. Enumerable.Range(0, int.MaxValue).TakeWhile(i => golden.Entries.ContainsKey($"seq.{i}")).Select(i => golden.ReadI32($"seq.{i}"))];
        if (sequences.Length == 0 || sequences.Any(sequence => sequence.Length < 2))
        {
            throw new InvalidInputException($"{golden.Path} has no sequences seq.0, seq.1, … of two tokens or more. Give a golden file of gradients.");
        }
    }

    /// <summary>Computes every kind that the file <paramref name="goldenPath"/> has and writes <c>loss.*</c> and <c>grad.*</c> to <paramref name="outPath"/>.</summary>
    /// <returns>The errors, for the tensors that the golden file has.</returns>
    /// <exception cref="InvalidInputException">A file is unusable.</exception>
    public static IReadOnlyList<GradientError> Run(MiniMaxM1Module module, string goldenPath, string outPath)
    {
        using var golden = SafetensorsFile.Open(goldenPath);
        var check = new GradientCheck(module, golden);
        foreach (var kind in check.Kinds())
        {
            check.Compute(kind);
        }

        check.Write(outPath);
        return check.Errors();
    }

    /// <summary>The kinds that the file names; all that its inputs allow when it holds inputs only.</summary>
    private List<string> Kinds()
    {
        var named = allKinds.Where(kind => golden.Entries.Keys.Any(name =>
            name == $"loss.{kind}" || name.StartsWith($"grad.{kind}.", StringComparison.Ordinal))).ToList();
        return named.Count > 0 ? named : [.. allKinds.Where(kind => kind != "cispo" || golden.Entries.ContainsKey("advantages"))];
    }

    private void Compute(string kind)
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in module.Parameters)
        {
            parameter.Value.grad = null;
        }

        var loss = kind == "cispo" ? Cispo() : Sft(withAux: kind == "sft_aux");
        loss.backward();
        results[$"loss.{kind}"] = [loss.item<float>()];
        foreach (var parameter in module.Parameters)
        {
            var gradient = parameter.Value.grad;
            results[$"grad.{kind}.{parameter.Name}"] =
                gradient is null ? new float[parameter.Value.numel()] : gradient.contiguous().Values().ToArray();
        }
    }

    private Tensor Sft(bool withAux)
    {
        var documents = PackedDocuments.Of(sequences[0]);
        var targets = documents.NextTokens();
        var output = module.Forward(documents);
        var loss = Losses.CrossEntropy(module.TokenLogprobs(output.Hidden, targets), targets);
        return withAux ? loss + (module.AuxLoss(output) * module.Config.RouterAuxLossCoef) : loss;
    }

    private Tensor Cispo()
    {
        var documents = PackedDocuments.Of(sequences);
        float[] old = new float[documents.Count], advantages = new float[old.Length], response = new float[old.Length];
        var values = golden.ReadF32("advantages");
        for (var i = 0; i < sequences.Length; i++)
        {
            var logprobs = golden.ReadF32($"old_logprobs.{i}");
            var first = documents.Boundaries[i + 1] - 1 - logprobs.Length; // The row before the first token of the response predicts it.
            if (first < documents.Boundaries[i] || i >= values.Length)
            {
                throw new InvalidInputException($"{golden.Path}: old_logprobs.{i} or advantages do not fit seq.{i}. Write them for the response tokens of each sequence.");
            }

            logprobs.CopyTo(old.AsSpan(first));
            advantages.AsSpan(first, logprobs.Length).Fill(values[i]);
            response.AsSpan(first, logprobs.Length).Fill(1);
        }

        var output = module.Forward(documents);
        return Losses.Policy(
            module.TokenLogprobs(output.Hidden, documents.NextTokens()),
            old.ToTensor(old.Length),
            advantages.ToTensor(old.Length),
            response.ToTensor(old.Length),
            PolicyBounds.Cispo(1 + EpsilonHigh()));
    }

    private float EpsilonHigh() => golden.Metadata.TryGetValue("eps_high", out var text)
        && float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var epsilon)
        ? epsilon
        : throw new InvalidInputException($"{golden.Path} has no number eps_high in its metadata, which cispo needs. Add it, for example 0.2.");

    private void Write(string path)
    {
        var shapes = module.Parameters.ToDictionary(p => p.Name, p => p.Value.shape, StringComparer.Ordinal);
        long[] ShapeOf(string name) => name.StartsWith("loss.", StringComparison.Ordinal) ? [1] : shapes[name.Split('.', 3)[2]];
        using var writer = new SafetensorsWriter(path, [.. results.Keys.Select(name => new TensorDeclaration(name, DType.F32, ShapeOf(name)))]);
        foreach (var (name, values) in results)
        {
            writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
        }

        writer.Complete();
    }

    private List<GradientError> Errors()
    {
        var errors = new List<GradientError>();
        foreach (var (name, actual) in results.Where(result => golden.Entries.ContainsKey(result.Key)))
        {
            var expected = golden.ReadF32(name);
            if (expected.Length != actual.Length)
            {
                throw new InvalidInputException($"{golden.Path}: {name} has {expected.Length} values, but the model has {actual.Length}. Give the golden file of this model.");
            }

            double largest = 0, difference = 0;
            for (var i = 0; i < expected.Length; i++)
            {
                largest = Math.Max(largest, Math.Abs(expected[i]));
                difference = Math.Max(difference, Math.Abs((double)expected[i] - actual[i]));
            }

            errors.Add(new GradientError(name, largest > 0 ? difference / largest : difference));
        }

        return errors;
    }
}
