using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>Where the weights of a model come from: a safetensors folder or a GGUF file. Names are official or those of <see cref="WeightMap"/>.</summary>
internal interface IWeightSource : IDisposable
{
    /// <summary>Folder or file, for messages.</summary>
    string Location { get; }

    /// <summary>What the configuration was read from, for messages.</summary>
    string ConfigName { get; }

    /// <summary>Names of all tensors.</summary>
    IReadOnlyCollection<string> TensorNames { get; }

    /// <summary>True when there is a tensor <paramref name="name"/>.</summary>
    bool Contains(string name);

    /// <summary>Sizes of a tensor, outermost first.</summary>
    /// <exception cref="InvalidInputException">No such tensor.</exception>
    long[] ShapeOf(string name);

    /// <summary>Path of the file that holds a tensor.</summary>
    /// <exception cref="InvalidInputException">No such tensor.</exception>
    string PathOf(string name);

    /// <summary>A tensor of one dimension as [1, n], or of two as [rows, columns], in place.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another rank or an unusable type.</exception>
    Weight Matrix(string name);

    /// <summary>Slice <paramref name="index"/> of a tensor of three dimensions, in place.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another rank or an unusable type.</exception>
    Weight Matrix(string name, int index);
}
