using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Inputs of one region as int8: for each token q [K'] i8, d [K' / 32] f32, Σ q [K' / 32] i32 and, for scales of 16 features, Σ q [K' / 16] i16,
/// where x ≈ d q and K' is K padded with zeros to a multiple of 64. With fine inputs a token has two such records: the second holds the rest x − d q of the first. Jobs that read the same x share one copy. Every path gives the same bits.
/// </summary>
internal sealed unsafe class QuantizedInputs : IDisposable
{
    private AlignedBuffer<byte> bytes = new(0);
    private long[] offsets = [];
    private long[] termOffsets = [];

    public static int Pad(int K) => (K + 63) / 64 * 64;

    /// <summary>Bytes of one token: 1 + 12 / 32 for each feature, rounded up to a cache line.</summary>
    public static long TokenBytes(int K) => ((Pad(K) * 11L / 8) + 63) / 64 * 64;

    /// <summary>Where the sums of 16 features of a token start.</summary>
    public static short* HalfSums(byte* token, int K) => (short*)(token + (Pad(K) * 5L / 4));

    /// <summary>Where the tokens of job <paramref name="index"/> start, after <see cref="Prepare"/>.</summary>
    public byte* Of(int index) => bytes.Pointer + offsets[index];

    /// <summary>Room for the products of both terms of job <paramref name="index"/>, [2T, N] f32.</summary>
    public float* TermsOf(int index) => (float*)(bytes.Pointer + termOffsets[index]);

    /// <summary>Quantises the inputs of all jobs whose weights are packed.</summary>
    public void Prepare(ReadOnlySpan<MatMulJob> jobs, ComputePool pool)
    {
        if (offsets.Length < jobs.Length)
        {
            offsets = new long[jobs.Length];
            termOffsets = new long[jobs.Length];
        }

        var total = 0L;
        for (var i = 0; i < jobs.Length; i++)
        {
            var first = FirstWithSameInput(jobs, i);
            offsets[i] = first < i ? offsets[first] : total;
            total += first == i && jobs[i].Weight.IsPacked ? jobs[i].Tokens * Terms(jobs[i]) * TokenBytes(jobs[i].Weight.Columns) : 0;
            termOffsets[i] = total;
            total += jobs[i].FineInputs ? ((2L * jobs[i].Tokens * jobs[i].Weight.Rows * sizeof(float)) + 63) / 64 * 64 : 0;
        }

        if (total > bytes.Length)
        {
            bytes.Dispose();
            bytes = new AlignedBuffer<byte>(checked((int)total));
        }

        for (var i = 0; i < jobs.Length; i++)
        {
            if (jobs[i].Weight.IsPacked && FirstWithSameInput(jobs, i) == i)
            {
                var work = new TokenWork(jobs[i].X, jobs[i].Weight.Columns, Of(i), Terms(jobs[i]));
                pool.For(jobs[i].Tokens, grain: 4, ref work);
            }
        }
    }

    public void Dispose() => bytes.Dispose();

    /// <summary>One token [K] → its record; K is a multiple of 32. The rest x − d q [K] may be x itself, or null when it is not wanted.</summary>
    internal static void Quantize(float* x, int K, byte* token, float* rest = null)
    {
        var padded = Pad(K);
        var q = (sbyte*)token;
        var scales = (float*)(token + padded);
        var sums = (int*)(scales + (padded / 32));
        var halfSums = HalfSums(token, K);
        for (var block = 0; block < K / 32; block++, x += 32, q += 32)
        {
            if (Isa.Path == IsaPath.Scalar)
            {
                Reference(x, q, scales + block, sums + block, halfSums + (2 * block));
            }
            else
            {
                Block(x, q, scales + block, sums + block, halfSums + (2 * block));
            }

            if (rest != null)
            {
                Rest(x, q, scales[block], rest + (32 * block));
            }
        }

        if (padded > K)
        {
            new Span<sbyte>(q, 32).Clear();
            (scales[K / 32], sums[K / 32], halfSums[K / 16], halfSums[(K / 16) + 1]) = (0, 0, 0, 0);
        }
    }

    /// <summary>Reference twin of <see cref="Block"/>: d = max|x| / 127, q = round(x / d), ties to even.</summary>
    private static void Reference(float* x, sbyte* q, float* scale, int* sum, short* halfSums)
    {
        var largest = 0f;
        for (var i = 0; i < 32; i++)
        {
            largest = MathF.Max(largest, MathF.Abs(x[i]));
        }

        *scale = largest / 127;
        (halfSums[0], halfSums[1]) = (0, 0);
        var inverse = largest > 0 ? 127 / largest : 0;
        for (var i = 0; i < 32; i++)
        {
            q[i] = (sbyte)MathF.Round(x[i] * inverse);
            halfSums[i / 16] += q[i];
        }

        *sum = halfSums[0] + halfSums[1];
    }

    private static void Block(float* x, sbyte* q, float* scale, int* sum, short* halfSums)
    {
        Vector256<float> a = Vector256.Load(x), b = Vector256.Load(x + 8), c = Vector256.Load(x + 16), d = Vector256.Load(x + 24);
        var largest = Vector256.Max(Vector256.Max(Vector256.Abs(a), Vector256.Abs(b)), Vector256.Max(Vector256.Abs(c), Vector256.Abs(d)));
        var half = Vector128.Max(largest.GetLower(), largest.GetUpper());
        var max = MathF.Max(MathF.Max(half[0], half[1]), MathF.Max(half[2], half[3]));
        *scale = max / 127;
        var inverse = Vector256.Create(max > 0 ? 127 / max : 0);
        Vector256<int> i = Round(a * inverse), j = Round(b * inverse), k = Round(c * inverse), l = Round(d * inverse);
        var (first, second) = (Vector256.Sum(i + j), Vector256.Sum(k + l));
        (*sum, halfSums[0], halfSums[1]) = (first + second, (short)first, (short)second);
        Vector256.Narrow(Vector256.Narrow(i, j), Vector256.Narrow(k, l)).Store(q);
    }

    private static void Rest(float* x, sbyte* q, float scale, float* rest)
    {
        for (var i = 0; i < 32; i += 8)
        {
            var levels = Vector256.ConvertToSingle(Vector256.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(long*)(q + i)).AsSByte()).ToVector256()));
            Vector256.FusedMultiplyAdd(levels, Vector256.Create(-scale), Vector256.Load(x + i)).Store(rest + i);
        }
    }

    private static Vector256<int> Round(Vector256<float> x) => Vector256.ConvertToInt32(Vector256.Round(x));

    private static int FirstWithSameInput(ReadOnlySpan<MatMulJob> jobs, int index)
    {
        for (var i = 0; i < index; i++)
        {
            if (jobs[i].Weight.IsPacked && jobs[i].X == jobs[index].X && jobs[i].Tokens == jobs[index].Tokens
                && jobs[i].Weight.Columns == jobs[index].Weight.Columns && jobs[i].FineInputs == jobs[index].FineInputs)
            {
                return i;
            }
        }

        return index;
    }

    private static int Terms(in MatMulJob job) => job.FineInputs ? 2 : 1;

    private readonly struct TokenWork(float* x, int K, byte* tokens, int terms) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            var rest = stackalloc float[terms == 2 ? K : 0];
            for (var t = start; t < end; t++)
            {
                var token = tokens + (t * terms * TokenBytes(K));
                Quantize(x + ((long)t * K), K, token, terms == 2 ? rest : null);
                if (terms == 2)
                {
                    Quantize(rest, K, token + TokenBytes(K));
                }
            }
        }
    }
}
