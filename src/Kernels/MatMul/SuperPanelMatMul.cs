using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Products of int8 inputs with packed Q4_K and Q6_K panels (<see cref="SuperPanelLayout"/>). The sums of a scale's values are exact integers and
/// meet the accumulator in the order of k, so all paths and all batches give the same bits. One token reads the panel as it is packed;
/// with more, each super-block is widened once into bytes that stay in the L1 cache.
/// </summary>
internal static unsafe class SuperPanelMatMul
{
    /// <summary>Tokens that share a widened super-block.</summary>
    private const int ChunkTokens = 64;

    private const int TileTokens = 4;

    /// <summary>y[t, n0 … n0 + 16) of all tokens of one job.</summary>
    public static void Multiply(in MatMulJob job, byte* tokens, int panel)
    {
        if (job.Weight.DType == DType.Q4_K)
        {
            Multiply<Q4_KPanel>(job, tokens, panel);
        }
        else
        {
            Multiply<Q6_KPanel>(job, tokens, panel);
        }
    }

    private static void Multiply<TFormat>(in MatMulJob job, byte* tokens, int panel)
        where TFormat : struct, ISuperPanelFormat
    {
        var (N, K, stride) = (job.Weight.Rows, job.Weight.Columns, QuantizedInputs.TokenBytes(job.Weight.Columns));
        var weights = job.Weight.Data + (panel * PanelLayout.PanelBytes(job.Weight.DType, K));
        var rows = Math.Min(PanelLayout.Rows, N - (panel * PanelLayout.Rows));
        var vectors = Isa.Path != IsaPath.Scalar && Avx2.IsSupported;
        var y = stackalloc float[(ChunkTokens + TileTokens) * PanelLayout.Rows];
        for (var t = 0; t < job.Tokens; t += ChunkTokens)
        {
            var x = tokens + (t * stride);
            var count = Math.Min(ChunkTokens, job.Tokens - t);
            if (!vectors)
            {
                for (var i = 0; i < count; i++)
                {
                    TFormat.Reference(weights, x + (i * stride), K, y + (i * PanelLayout.Rows));
                }
            }
            else if (count < TileTokens)
            {
                for (var i = 0; i < count; i++)
                {
                    TFormat.MultiplyToken(weights, x + (i * stride), K, y + (i * PanelLayout.Rows));
                }
            }
            else
            {
                MultiplyChunk<TFormat>(weights, x, stride, count, K, y);
            }

            for (var i = 0; i < count; i++)
            {
                var target = job.Y + ((long)(t + i) * N) + (panel * PanelLayout.Rows);
                new ReadOnlySpan<float>(y + (i * PanelLayout.Rows), rows).CopyTo(new Span<float>(target, rows));
            }
        }
    }

    private static void MultiplyChunk<TFormat>(byte* weights, byte* x, long stride, int count, int K, float* y)
        where TFormat : struct, ISuperPanelFormat
    {
        var scratch = stackalloc byte[WidenedPanel.Bytes + 64];
        var widened = new WidenedPanel((byte*)(((nint)scratch + 63) & ~63));
        new Span<float>(y, (count + TileTokens) * PanelLayout.Rows).Clear();
        for (var block = 0; block < K / SuperPanelLayout.Features; block++, weights += TFormat.BlockBytes)
        {
            TFormat.Widen(weights, widened);
            for (var t = 0; t < count; t += TileTokens)
            {
                // A tile at the end takes its last token several times; the surplus rows of y are not copied.
                var last = count - 1 - t;
                var first = x + (t * stride);
                TFormat.MultiplyTile(
                    widened, first, first + (Math.Min(1, last) * stride), first + (Math.Min(2, last) * stride), first + (Math.Min(3, last) * stride),
                    block, K, y + (t * PanelLayout.Rows));
            }
        }
    }

    /// <summary>Adds four products u8 × i8 to each of 8 sums. Weights are at most 63, so pairs of maddubs fit 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(Vector256<int> sum, Vector256<byte> w, Vector256<sbyte> x) => AvxVnni.IsSupported
        ? AvxVnni.MultiplyWideningAndAdd(sum, w, x)
        : sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(w, x), Vector256<short>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Group(byte* x, int group) => Vector256.Create(((int*)x)[group]).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves(byte* f16) => HalfBits.Widen(Avx2.ConvertToVector256Int32((ushort*)f16).AsUInt32());

    /// <summary>Low nibbles (group 2p) and high nibbles (group 2p + 1) of 16 rows × 8 features.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(byte* pair, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
    {
        var nibble = Vector256.Create((byte)15);
        Vector256<byte> low = Vector256.Load(pair), high = Vector256.Load(pair + 32);
        (w0, w1) = (low & nibble, high & nibble);
        (w2, w3) = ((low.AsUInt16() >> 4).AsByte() & nibble, (high.AsUInt16() >> 4).AsByte() & nibble);
    }

    /// <summary>Adds two k-groups of a widened panel to the sums of one token × 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DotPair(
        byte* x, int group, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, ref Vector256<int> a0, ref Vector256<int> a1)
    {
        Vector256<sbyte> u = Group(x, group), v = Group(x, group + 1);
        (a0, a1) = (Dot(Dot(a0, w0, u), w2, v), Dot(Dot(a1, w1, u), w3, v));
    }
}

/// <summary>One super-block of 16 rows as bytes [64 k-groups, 16, 4] with its scales.</summary>
internal readonly unsafe struct WidenedPanel(byte* memory)
{
    /// <summary>Bytes of the values and of the larger of both formats' scales.</summary>
    public const int Bytes = 4096 + 1024 + 64;

    /// <summary>Values, unsigned.</summary>
    public byte* Weights => memory;

    /// <summary>Q4_K: d · scale [8, 16].</summary>
    public float* Scales => (float*)(memory + 4096);

    /// <summary>Q4_K: −dmin · minimum [8, 16].</summary>
    public float* Minima => (float*)(memory + 4096 + 512);

    /// <summary>Q6_K: scales [16, 16].</summary>
    public int* IntegerScales => (int*)(memory + 4096);

    /// <summary>Q6_K: d [16].</summary>
    public float* Factors => (float*)(memory + 4096 + 1024);
}

/// <summary>What differs between the formats of super-blocks.</summary>
internal unsafe interface ISuperPanelFormat
{
    /// <summary>Bytes of 16 rows × 256 features.</summary>
    static abstract int BlockBytes { get; }

    /// <summary>Reference twin, and the scalar path: y [16] of one token.</summary>
    static abstract void Reference(byte* w, byte* x, int K, float* y);

    /// <summary>y [16] of one token from the packed panel.</summary>
    static abstract void MultiplyToken(byte* w, byte* x, int K, float* y);

    /// <summary>Widens one super-block.</summary>
    static abstract void Widen(byte* w, WidenedPanel target);

    /// <summary>Adds super-block <paramref name="block"/> to y [4, 16] of four tokens.</summary>
    static abstract void MultiplyTile(WidenedPanel w, byte* x, byte* x1, byte* x2, byte* x3, int block, int K, float* y);
}
