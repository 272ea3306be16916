namespace MiniMaxSharp.Kernels;

/// <summary>
/// Packed Q4_K and Q6_K: panels of 16 rows, each a run of super-blocks of 256 features, k-groups of 4 features × 16 rows as in <see cref="PanelLayout"/>.
/// Q4_K: [16 f16 d] [16 f16 dmin] [8 × 16 u8 scales] [8 × 16 u8 minima] [8 × 256 B nibbles], 148 bytes a row for 144 of the file.
/// Q6_K: [16 f16 d] [32 B zero] [16 × 16 i8 scales] [8 × (256 B nibbles, 128 B upper bit pairs)], 212 bytes a row for 210; values have the offset 32.
/// </summary>
internal static unsafe class SuperPanelLayout
{
    /// <summary>Features of a super-block.</summary>
    public const int Features = 256;

    /// <summary>Bytes before the values of a Q4_K super-block.</summary>
    public const int HeaderOfQ4_K = 320;

    /// <summary>Bytes of 32 features × 16 rows in Q4_K.</summary>
    public const int GroupOfQ4_K = 256;

    /// <summary>Bytes before the values of a Q6_K super-block.</summary>
    public const int HeaderOfQ6_K = 320;

    /// <summary>Bytes of 32 features × 16 rows in Q6_K.</summary>
    public const int GroupOfQ6_K = 384;

    /// <summary>True for the types of this layout.</summary>
    public static bool Holds(DType type) => type is DType.Q4_K or DType.Q6_K;

    /// <summary>Bytes of 16 rows × 256 features.</summary>
    public static int BlockBytes(DType type) => type == DType.Q4_K ? HeaderOfQ4_K + (8 * GroupOfQ4_K) : HeaderOfQ6_K + (8 * GroupOfQ6_K);

    /// <summary>Writes one panel; rows beyond the last have scale 0.</summary>
    public static void Pack(Weight source, int panel, byte* target)
    {
        var (rowBytes, fileBlock, packedBlock) = (source.DType.RowBytes(source.Columns), source.DType.BlockBytes(), BlockBytes(source.DType));
        var first = source.Data + ((long)panel * PanelLayout.Rows * rowBytes);
        var rows = Math.Min(PanelLayout.Rows, source.Rows - (panel * PanelLayout.Rows));
        for (var b = 0; b < source.Columns / Features; b++, first += fileBlock, target += packedBlock)
        {
            new Span<byte>(target, rows < PanelLayout.Rows ? packedBlock : HeaderOfQ4_K).Clear();
            for (var row = 0; row < rows; row++)
            {
                if (source.DType == DType.Q4_K)
                {
                    PackQ4_K(first + (row * rowBytes), target, row);
                }
                else
                {
                    PackQ6_K(first + (row * rowBytes), target, row);
                }
            }
        }
    }

    private static void PackQ4_K(byte* block, byte* target, int row)
    {
        const uint low = 0x0F0F0F0F;
        (((ushort*)target)[row], ((ushort*)target)[PanelLayout.Rows + row]) = (((ushort*)block)[0], ((ushort*)block)[1]);
        var packed = new ReadOnlySpan<byte>(block + 4, 12);
        for (var group = 0; group < 8; group++)
        {
            var (scale, minimum) = Dequantizer.ScaleOfQ4_K(packed, group);
            target[64 + (group * PanelLayout.Rows) + row] = (byte)scale;
            target[192 + (group * PanelLayout.Rows) + row] = (byte)minimum;
            var q = (uint*)(block + 16 + (group / 2 * 32));
            var nibbles = (uint*)(target + HeaderOfQ4_K + (group * GroupOfQ4_K)) + row;
            var shift = group % 2 * 4;
            for (var pair = 0; pair < 4; pair++)
            {
                nibbles[pair * PanelLayout.Rows] = ((q[2 * pair] >> shift) & low) | (((q[(2 * pair) + 1] >> shift) & low) << 4);
            }
        }
    }

    private static void PackQ6_K(byte* block, byte* target, int row)
    {
        const uint low = 0x0F0F0F0F, two = 0x03030303;
        ((ushort*)target)[row] = *(ushort*)(block + 208);
        for (var group = 0; group < 16; group++)
        {
            target[64 + (group * PanelLayout.Rows) + row] = block[192 + group];
        }

        for (var group = 0; group < 8; group++)
        {
            var (half, run) = (group / 4, group % 4);
            var q = (uint*)(block + (64 * half) + (run % 2 * 32));
            var high = (uint*)(block + 128 + (32 * half));
            var nibbles = (uint*)(target + HeaderOfQ6_K + (group * GroupOfQ6_K)) + row;
            var pairs = nibbles + (4 * PanelLayout.Rows);
            var shift = run / 2 * 4;
            for (var pair = 0; pair < 4; pair++)
            {
                nibbles[pair * PanelLayout.Rows] = ((q[2 * pair] >> shift) & low) | (((q[(2 * pair) + 1] >> shift) & low) << 4);
            }

            for (var four = 0; four < 2; four++, high += 4)
            {
                pairs[four * PanelLayout.Rows] = ((high[0] >> (2 * run)) & two) | (((high[1] >> (2 * run)) & two) << 2)
                    | (((high[2] >> (2 * run)) & two) << 4) | (((high[3] >> (2 * run)) & two) << 6);
            }
        }
    }
}
