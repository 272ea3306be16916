using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// The operations of training, forward and backward, in f32 on row-major memory. One object has the threads and the buffers of one trainer.
/// Legend: T tokens, H width, A heads, D head dim, E experts, K experts of a token, I expert width, V vocabulary.
/// </summary>
/// <remarks>
/// Sums over tokens are cut into a fixed number of parts, one a thread, and added in order: on the same number of threads the
/// same input gives the same bits.
/// </remarks>
public sealed unsafe partial class GradientKernels : IDisposable
{
    private readonly ComputePool pool;
    private readonly AlignedBuffer<float>?[] buffers = new AlignedBuffer<float>?[8];

    /// <summary>Starts the threads; 0 is one per CPU.</summary>
    public GradientKernels(int threads = 0) => pool = new ComputePool(threads);

    /// <summary>Number of threads.</summary>
    public int Threads => pool.Threads;

    /// <summary>Ends the threads and frees the buffers.</summary>
    public void Dispose()
    {
        pool.Dispose();
        foreach (var buffer in buffers)
        {
            buffer?.Dispose();
        }
    }

    /// <summary>One of the buffers, at least so long. It keeps its content until the same one is asked for again.</summary>
    private float* Buffer(Scratch which, long length)
    {
        ref var buffer = ref buffers[(int)which];
        if (buffer is null || buffer.Length < length)
        {
            buffer?.Dispose();
            buffer = new AlignedBuffer<float>(checked((int)length));
        }

        return buffer.Pointer;
    }

    private void For(int count, int grain, Action<int, int, int> body)
    {
        var work = new Body(body);
        pool.For(count, grain, ref work);
    }

    /// <summary>Calls <paramref name="body"/>(part, start, end) for as many parts of [0, count) as there are threads.</summary>
    private void ForParts(int count, Action<int, int, int> body)
    {
        var parts = pool.Threads;
        For(parts, 1, (start, end, _) =>
        {
            for (var part = start; part < end; part++)
            {
                body(part, (int)((long)count * part / parts), (int)((long)count * (part + 1) / parts));
            }
        });
    }

    /// <summary>destination[i] = Σ over parts, in order.</summary>
    private static void AddParts(float* parts, int count, int length, float* destination)
    {
        for (var i = 0; i < length; i++)
        {
            var sum = 0f;
            for (var part = 0; part < count; part++)
            {
                sum += parts[((nint)part * length) + i];
            }

            destination[i] = sum;
        }
    }

    private static void CheckLength(int actual, long needed, [CallerArgumentExpression(nameof(actual))] string? name = null)
    {
        if (actual < needed)
        {
            throw new ArgumentException($"{name} is {actual}, but {needed} elements are needed.", name);
        }
    }

    private enum Scratch
    {
        Packed,
        PackedToo,
        Parts,
        Activations,
        Rows,
    }

    private readonly struct Body(Action<int, int, int> body) : IParallelWork
    {
        public void Execute(int start, int end, int worker) => body(start, end, worker);
    }
}
