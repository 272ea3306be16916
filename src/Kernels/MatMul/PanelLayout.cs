namespace MiniMaxSharp.Kernels;

/// <summary>
/// Packed Q8_0 and Q4_0: panels of 16 rows, each a run of super-blocks of 64 features,
/// [2 × 16 f16 scales] [k-groups of 4 features × 16 rows]. Q8_0 stores q + 128; Q4_0 stores q + 8, the even group of a pair in the low nibbles.
/// The bytes are those of the file, plus padding to 16 rows and 64 features. GEMV and GEMM need no horizontal sums and share it.
/// </summary>
internal static unsafe class PanelLayout
{
    public const int Rows = 16;

    /// <summary>Bytes of 16 rows × 64 features: the scales and one byte, or half a byte, a weight.</summary>
    public static int SuperBlockBytes(DType type) => 64 + (type == DType.Q8_0 ? 1024 : 512);

    public static long PanelBytes(DType type, int K) => SuperPanelLayout.Holds(type)
        ? K / SuperPanelLayout.Features * (long)SuperPanelLayout.BlockBytes(type)
        : QuantizedInputs.Pad(K) / 64 * (long)SuperBlockBytes(type);

    public static long ByteCount(DType type, int N, int K) => (N + Rows - 1) / Rows * PanelBytes(type, K);

    /// <summary>Writes one panel; padding has scale 0.</summary>
    public static void Pack(Weight source, int panel, byte* target)
    {
        if (SuperPanelLayout.Holds(source.DType))
        {
            SuperPanelLayout.Pack(source, panel, target);
            return;
        }

        new Span<byte>(target, checked((int)PanelBytes(source.DType, source.Columns))).Clear();
        var (stride, blockBytes) = (SuperBlockBytes(source.DType), source.DType.BlockBytes());
        for (var row = 0; row < Rows && (panel * Rows) + row < source.Rows; row++)
        {
            var block = source.Data + (((long)panel * Rows) + row) * source.DType.RowBytes(source.Columns);
            for (var b = 0; b < source.Columns / 32; b++, block += blockBytes)
            {
                var super = target + ((b / 2) * (long)stride);
                ((ushort*)super)[(b % 2 * Rows) + row] = *(ushort*)block;
                if (source.DType == DType.Q8_0)
                {
                    PackQ8_0((uint*)(block + 2), (uint*)(super + 64 + (b % 2 * 512)) + row);
                }
                else
                {
                    PackQ4_0((uint*)(block + 2), (uint*)(super + 64 + (b % 2 * 256)) + row);
                }
            }
        }
    }

    private static void PackQ8_0(uint* q, uint* target)
    {
        for (var group = 0; group < 8; group++)
        {
            target[group * Rows] = q[group] ^ 0x80808080; // Two's complement + 128, four at a time.
        }
    }

    /// <summary>In the file elements 0 … 15 are low nibbles and 16 … 31 high ones; here groups 2p and 2p + 1 share the bytes of pair p.</summary>
    private static void PackQ4_0(uint* q, uint* target)
    {
        const uint low = 0x0F0F0F0F;
        for (var pair = 0; pair < 2; pair++)
        {
            target[pair * Rows] = (q[2 * pair] & low) | ((q[(2 * pair) + 1] & low) << 4);
            target[(pair + 2) * Rows] = ((q[2 * pair] >> 4) & low) | (q[(2 * pair) + 1] & ~low);
        }
    }
}
