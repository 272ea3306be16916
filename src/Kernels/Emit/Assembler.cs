using System.Buffers.Binary;

namespace MiniMaxSharp.Kernels;

/// <summary>A general register of x86-64, by its number in the encoding.</summary>
internal enum Gpr
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,
    Rbx = 3,
    Rsp = 4,
    Rdi = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,
    R12 = 12,
    R13 = 13,
    R14 = 14,
    R15 = 15,
}

/// <summary>The address Base + Index · Scale + Displacement; scale 0 means no index.</summary>
internal readonly record struct Address(Gpr Base, int Displacement = 0, Gpr Index = Gpr.Rax, int Scale = 0)
{
    public static Address operator +(Address address, int bytes) => address with { Displacement = address.Displacement + bytes };
}

/// <summary>
/// Writes the few x86-64 instructions that the emitted kernels need: 512-bit EVEX forms (Intel SDM volume 2, section 2.7), moves and loops.
/// Vector registers are named by number, 0 … 31.
/// </summary>
internal sealed class Assembler
{
    private const int Full = 64;
    private const int Element = 4;
    private readonly List<byte> code = [];

    private enum Map
    {
        M0F = 1,
        M0F38 = 2,
    }

    private enum Prefix
    {
        None = 0,
        P66 = 1,
        F3 = 2,
    }

    /// <summary>Where the next instruction goes.</summary>
    public int Position => code.Count;

    public byte[] ToArray() => [.. code];

    public void Load(int z, Address m) => Evex(Map.M0F, Prefix.None, 0x10, z, 0, m, Full);

    public void Store(Address m, int z) => Evex(Map.M0F, Prefix.None, 0x11, z, 0, m, Full);

    public void Broadcast(int z, Address m) => Evex(Map.M0F38, Prefix.P66, 0x58, z, 0, m, Element);

    /// <summary>16 f16 → 16 f32.</summary>
    public void WidenHalf(int z, Address m) => Evex(Map.M0F38, Prefix.P66, 0x13, z, 0, m, 32);

    /// <summary>16 u16 → 16 u32.</summary>
    public void WidenUInt16(int z, Address m) => Evex(Map.M0F38, Prefix.P66, 0x33, z, 0, m, 32);

    public void Zero(int z) => Evex(Map.M0F, Prefix.P66, 0xEF, z, z, z);

    public void Move(int z, int source) => Evex(Map.M0F, Prefix.None, 0x28, z, 0, source);

    public void And(int z, int a, int b) => Evex(Map.M0F, Prefix.P66, 0xDB, z, a, b);

    public void SubtractInt32(int z, int a, int b) => Evex(Map.M0F, Prefix.P66, 0xFA, z, a, b);

    public void ToSingle(int z, int source) => Evex(Map.M0F, Prefix.None, 0x5B, z, 0, source);

    /// <summary>z = a · the broadcast element.</summary>
    public void MultiplyBroadcast(int z, int a, Address m) => Evex(Map.M0F, Prefix.None, 0x59, z, a, m, Element, broadcast: true);

    /// <summary>z += a · b in f32.</summary>
    public void Fma(int z, int a, int b) => Evex(Map.M0F38, Prefix.P66, 0xB8, z, a, b);

    /// <summary>z += four products u8 · i8 a lane (AVX512_VNNI vpdpbusd).</summary>
    public void DotBytes(int z, int unsigned, int signed) => Evex(Map.M0F38, Prefix.P66, 0x50, z, unsigned, signed);

    /// <summary>z += two products bf16 · bf16 a lane (AVX512_BF16 vdpbf16ps).</summary>
    public void DotBFloat16(int z, int a, int b) => Evex(Map.M0F38, Prefix.F3, 0x52, z, a, b);

    public void ShiftRightInt16(int z, int source, int bits)
    {
        Evex(Map.M0F, Prefix.P66, 0x71, 2, z, source);
        code.Add((byte)bits);
    }

    public void ShiftLeftInt32(int z, int source, int bits)
    {
        Evex(Map.M0F, Prefix.P66, 0x72, 6, z, source);
        code.Add((byte)bits);
    }

    /// <summary>Brings the line of <paramref name="m"/> into the second level of the cache.</summary>
    public void Prefetch(Address m)
    {
        Rex(wide: false, 0, m);
        Bytes(0x0F, 0x18);
        Operand(2, m, 1);
    }

    public void Load(Gpr register, Address m)
    {
        Rex(wide: true, (int)register, m);
        code.Add(0x8B);
        Operand((int)register, m, 1);
    }

    /// <summary>register = the address <paramref name="m"/>.</summary>
    public void LoadAddress(Gpr register, Address m)
    {
        Rex(wide: true, (int)register, m);
        code.Add(0x8D);
        Operand((int)register, m, 1);
    }

    public void Add(Gpr register, int value)
    {
        Bytes((byte)(0x48 | ((int)register >> 3)), 0x81, (byte)(0xC0 | ((int)register & 7)));
        Int32(value);
    }

    /// <summary>Counts down and jumps back to <paramref name="target"/> until zero.</summary>
    public void Loop(Gpr register, int target)
    {
        Bytes((byte)(0x48 | ((int)register >> 3)), 0xFF, (byte)(0xC8 | ((int)register & 7)));
        Bytes(0x0F, 0x85);
        Int32(target - (Position + 4));
    }

    public void Push(Gpr register) => PushOrPop(register, 0x50);

    public void Pop(Gpr register) => PushOrPop(register, 0x58);

    /// <summary>vmovups [m], xmm of 128 bits; for the registers that Windows wants kept.</summary>
    public void StoreLow(Address m, int z) => Evex(Map.M0F, Prefix.None, 0x11, z, 0, m, 16, vectorLength: 0);

    public void LoadLow(int z, Address m) => Evex(Map.M0F, Prefix.None, 0x10, z, 0, m, 16, vectorLength: 0);

    /// <summary>Clears the upper halves, for the SSE code that follows, and returns.</summary>
    public void Return() => Bytes(0xC5, 0xF8, 0x77, 0xC3);

    public void Align(int bytes)
    {
        while (Position % bytes != 0)
        {
            code.Add(0x90);
        }
    }

    private void PushOrPop(Gpr register, int opcode)
    {
        if ((int)register >= 8)
        {
            code.Add(0x41);
        }

        code.Add((byte)(opcode | ((int)register & 7)));
    }

    private void Rex(bool wide, int register, Address m)
    {
        var index = m.Scale == 0 ? 0 : (int)m.Index >> 3;
        code.Add((byte)(0x40 | (wide ? 8 : 0) | (register >> 3 << 2) | (index << 1) | ((int)m.Base >> 3)));
    }

    private void Evex(Map map, Prefix prefix, byte opcode, int reg, int v, int rm)
    {
        EvexPrefix(map, prefix, reg, v, x: rm >> 4, b: rm >> 3, broadcast: false, vectorLength: 2);
        Bytes(opcode, (byte)(0xC0 | ((reg & 7) << 3) | (rm & 7)));
    }

    private void Evex(Map map, Prefix prefix, byte opcode, int reg, int v, Address m, int operandBytes, bool broadcast = false, int vectorLength = 2)
    {
        var x = m.Scale == 0 ? 0 : (int)m.Index >> 3;
        EvexPrefix(map, prefix, reg, v, x, b: (int)m.Base >> 3, broadcast, vectorLength);
        code.Add(opcode);
        Operand(reg, m, operandBytes);
    }

    /// <summary>The four prefix bytes; register bits are stored inverted. W is 0 in every form used here.</summary>
    private void EvexPrefix(Map map, Prefix prefix, int reg, int v, int x, int b, bool broadcast, int vectorLength)
    {
        var r = (~reg >> 3 & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | (~reg >> 4 & 1) << 4;
        Bytes(0x62, (byte)(r | (int)map), (byte)(((~v & 15) << 3) | 4 | (int)prefix));
        code.Add((byte)((vectorLength << 5) | (broadcast ? 16 : 0) | ((~v >> 4 & 1) << 3)));
    }

    /// <summary>ModRM, SIB and displacement. A displacement of one byte counts in units of the operand's size.</summary>
    private void Operand(int reg, Address m, int unit)
    {
        var shortForm = m.Displacement % unit == 0 && m.Displacement / unit is >= sbyte.MinValue and <= sbyte.MaxValue;
        var indexed = m.Scale > 0 || ((int)m.Base & 7) == (int)Gpr.Rsp;
        code.Add((byte)((shortForm ? 0x40 : 0x80) | ((reg & 7) << 3) | (indexed ? 4 : (int)m.Base & 7)));
        if (indexed)
        {
            var index = m.Scale > 0 ? ((int)m.Index & 7) << 3 : 0x20;
            code.Add((byte)((m.Scale switch { 8 => 3, 4 => 2, 2 => 1, _ => 0 } << 6) | index | ((int)m.Base & 7)));
        }

        if (shortForm)
        {
            code.Add((byte)(m.Displacement / unit));
        }
        else
        {
            Int32(m.Displacement);
        }
    }

    private void Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        code.AddRange(bytes);
    }

    private void Bytes(params ReadOnlySpan<byte> bytes) => code.AddRange(bytes);
}
