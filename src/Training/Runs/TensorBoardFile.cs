using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using static System.FormattableString;

namespace MiniMaxSharp.Training;

/// <summary>
/// A TensorBoard event file of scalars: TFRecord frames (length, masked CRC-32C of it, data, masked CRC-32C of the data; little-endian) around
/// <c>Event</c> messages of protocol buffers. Fields: Event { wall_time 1 double, step 2, file_version 3, summary 5, session_log 7 },
/// Summary { value 1 }, Value { tag 1, simple_value 2 float }, SessionLog { status 1 }.
/// </summary>
public sealed class TensorBoardFile : IDisposable
{
    private const string Version = "brain.Event:2";
    private const int SessionStart = 1;

    private readonly FileStream stream;
    private readonly TimeProvider time;

    /// <summary>Starts a file in <c>tensorboard</c> of a run; steps after <paramref name="resumedAtStep"/> in earlier files are void.</summary>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="resumedAtStep">Steps that the run had done.</param>
    /// <param name="time">Clock; null is that of the system.</param>
    public TensorBoardFile(string runFolder, long resumedAtStep = 0, TimeProvider? time = null)
    {
        this.time = time ?? TimeProvider.System;
        var folder = Directory.CreateDirectory(Path.Combine(runFolder, "tensorboard")).FullName;
        stream = Create(folder, this.time.GetUtcNow().ToUnixTimeSeconds());
        Write(Event(step: 0, field: 3, Encoding.UTF8.GetBytes(Version)));
        if (resumedAtStep > 0)
        {
            Write(Event(resumedAtStep + 1, field: 7, [0x08, SessionStart]));
        }
    }

    /// <summary>Writes the scalars of a step.</summary>
    public void Log(long step, IReadOnlyDictionary<string, double> metrics)
    {
        var summary = new List<byte>();
        foreach (var (name, value) in metrics)
        {
            var one = new List<byte>();
            AppendBytes(one, 1, Encoding.UTF8.GetBytes(name));
            one.Add((2 << 3) | 5);
            Append(one, BitConverter.SingleToUInt32Bits((float)value));
            AppendBytes(summary, 1, [.. one]);
        }

        Write(Event(step, field: 5, [.. summary]));
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    /// <summary>CRC-32C (Castagnoli), rotated right by 15 bits and shifted by a constant, as TFRecord stores it.</summary>
    internal static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var one in data)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xA282EAD8;
    }

    private static FileStream Create(string folder, long seconds)
    {
        for (var attempt = 0; ; attempt++)
        {
            var path = Path.Combine(folder, Invariant($"events.out.tfevents.{seconds}.minimax.{attempt}"));
            if (!File.Exists(path))
            {
                return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            }
        }
    }

    private byte[] Event(long step, int field, byte[] content)
    {
        var bytes = new List<byte> { (1 << 3) | 1 };
        Append(bytes, BitConverter.DoubleToUInt64Bits(time.GetUtcNow().ToUnixTimeMilliseconds() / 1e3));
        bytes.Add(2 << 3);
        AppendVarint(bytes, (ulong)step);
        AppendBytes(bytes, field, content);
        return [.. bytes];
    }

    private void Write(ReadOnlySpan<byte> data)
    {
        Span<byte> length = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(length[8..], MaskedChecksum(length[..8]));
        Span<byte> checksum = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, MaskedChecksum(data));
        stream.Write([.. length, .. data, .. checksum]);
        stream.Flush();
    }

    private static void AppendBytes(List<byte> target, int field, byte[] content)
    {
        target.Add((byte)((field << 3) | 2));
        AppendVarint(target, (ulong)content.Length);
        target.AddRange(content);
    }

    private static void AppendVarint(List<byte> target, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            target.Add((byte)(value | 0x80));
        }

        target.Add((byte)value);
    }

    private static void Append(List<byte> target, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        target.AddRange(bytes);
    }

    private static void Append(List<byte> target, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        target.AddRange(bytes);
    }
}
