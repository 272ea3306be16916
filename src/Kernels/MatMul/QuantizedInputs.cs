using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Inputs of one region in the form that its products read. Int8 for packed weights: for each token q [K'] i8, d [K' / 32] f32, Σ q [K' / 32] i32 and,
/// for scales of 16 features, Σ q [K' / 16] i16, where x ≈ d q and K' is K padded with zeros to a multiple of 64. With fine inputs a token has two such
/// records: the second holds the rest x − d q of the first. Bf16 [K] for products that round (<see cref="BFloat16Kernels"/>).
/// Jobs that read the same x share one copy. Every path gives the same bits.
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

    /// <summary>Writes the inputs of all jobs in the form that their products read, in one parallel region.</summary>
    public void Prepare(ReadOnlySpan<MatMulJob> jobs, ComputePool pool)
    {
        if (offsets.Length < jobs.Length)
        {
            offsets = new long[jobs.Length];
            termOffsets = new long[jobs.Length];
        }

        var (total, tokens) = (0L, 0);
        var shared = -1;
        for (var i = 0; i < jobs.Length; i++)
        {
            if (jobs[i].Tokens == 0)
            {
                continue;
            }

            if (shared >= 0 && IsSameInput(jobs[i], jobs[shared]))
            {
                offsets[i] = offsets[shared];
            }
            else
            {
                var bytesEach = InputBytes(jobs[i]);
                (shared, offsets[i]) = (i, total);
                total += jobs[i].Tokens * bytesEach;
                tokens += bytesEach > 0 ? jobs[i].Tokens : 0;
            }

            termOffsets[i] = total;
            total += jobs[i].FineInputs ? ((2L * jobs[i].Tokens * jobs[i].Weight.Rows * sizeof(float)) + 63) / 64 * 64 : 0;
        }

        if (total > bytes.Length)
        {
            bytes.Dispose();
            bytes = new AlignedBuffer<byte>(checked((int)total));
        }

        fixed (MatMulJob* first = jobs)
        fixed (long* offset = offsets)
        {
            var work = new TokenWork(first, jobs.Length, bytes.Pointer, offset);
            pool.For(tokens, grain: 4, ref work);
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

    /// <summary>Rounds to nearest, ties to even; K is a multiple of 32. A NaN stays one.</summary>
    internal static void RoundToBFloat16(float* x, int K, ushort* target)
    {
        for (var k = 0; k < K; k += 32)
        {
            Vector512.Narrow(RoundToBFloat16(Vector512.Load(x + k)), RoundToBFloat16(Vector512.Load(x + k + 16))).Store(target + k);
        }
    }

    private static Vector512<uint> RoundToBFloat16(Vector512<float> x)
    {
        var bits = x.AsUInt32();
        var rounded = bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(x, x).AsUInt32(), rounded, bits | Vector512.Create(0x400000u)) >> 16;
    }

    /// <summary>Jobs that share an input stand side by side, so only neighbours are compared.</summary>
    private static bool IsSameInput(in MatMulJob a, in MatMulJob b) =>
        a.X == b.X && a.Tokens == b.Tokens && a.Weight.Columns == b.Weight.Columns && InputBytes(a) == InputBytes(b);

    /// <summary>Bytes of one token in the form for a job; 0 for f32 inputs, read in place. Differs between the forms.</summary>
    private static long InputBytes(in MatMulJob job) => job.Weight.IsPacked ? (job.FineInputs ? 2 : 1) * TokenBytes(job.Weight.Columns)
        : BFloat16Kernels.For(job.Weight) is null ? 0 : BFloat16Kernels.TokenBytes(job.Weight.Columns);

    /// <summary>Item i is the i-th token, counted over all jobs that brought an input of their own.</summary>
    private readonly struct TokenWork(MatMulJob* jobs, int count, byte* target, long* offsets) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            var rest = stackalloc float[LongestRest(jobs, count)];
            var item = 0;
            var shared = -1;
            for (var i = 0; i < count && item < end; i++)
            {
                ref readonly var job = ref jobs[i];
                if (job.Tokens == 0 || (shared >= 0 && IsSameInput(job, jobs[shared])))
                {
                    continue;
                }

                shared = i;
                var bytes = InputBytes(job);
                if (bytes == 0)
                {
                    continue;
                }

                for (var t = Math.Max(0, start - item); t < job.Tokens && item + t < end; t++)
                {
                    Prepare(job, t, target + offsets[i] + (t * bytes), rest);
                }

                item += job.Tokens;
            }
        }

        private static int LongestRest(MatMulJob* jobs, int count)
        {
            var longest = 0;
            for (var i = 0; i < count; i++)
            {
                longest = jobs[i].FineInputs ? Math.Max(longest, jobs[i].Weight.Columns) : longest;
            }

            return longest;
        }

        private static void Prepare(in MatMulJob job, int t, byte* token, float* rest)
        {
            var K = job.Weight.Columns;
            var x = job.X + ((long)t * K);
            if (!job.Weight.IsPacked)
            {
                RoundToBFloat16(x, K, (ushort*)token);
                return;
            }

            Quantize(x, K, token, job.FineInputs ? rest : null);
            if (job.FineInputs)
            {
                Quantize(rest, K, token + TokenBytes(K));
            }
        }
    }
}
