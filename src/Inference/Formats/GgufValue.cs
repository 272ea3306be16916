using System.Collections.Frozen;

namespace MiniMaxSharp.Inference;

/// <summary>Kinds of metadata values, with the numbers of the file.</summary>
public enum GgufValueType : uint
{
    /// <summary>Unsigned, 8 bits.</summary>
    UInt8 = 0,

    /// <summary>Signed, 8 bits.</summary>
    Int8 = 1,

    /// <summary>Unsigned, 16 bits.</summary>
    UInt16 = 2,

    /// <summary>Signed, 16 bits.</summary>
    Int16 = 3,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt32 = 4,

    /// <summary>Signed, 32 bits.</summary>
    Int32 = 5,

    /// <summary>Single.</summary>
    Float32 = 6,

    /// <summary>One byte, 0 or 1.</summary>
    Bool = 7,

    /// <summary>UTF-8 with its length.</summary>
    Text = 8,

    /// <summary>Values of one kind, which may be arrays themselves.</summary>
    Array = 9,

    /// <summary>Unsigned, 64 bits.</summary>
    UInt64 = 10,

    /// <summary>Signed, 64 bits.</summary>
    Int64 = 11,

    /// <summary>Double.</summary>
    Float64 = 12,
}

/// <summary>
/// One metadata value. <see cref="Content"/> is the .NET value of the kind; an array is an array of that (<c>string[]</c>, <c>int[]</c>, …),
/// an array of arrays is <c>GgufValue[]</c>.
/// </summary>
public sealed class GgufValue
{
    // By exact type: a pattern "uint[]" would accept an int[] too.
    private static readonly FrozenDictionary<Type, GgufValueType> elementTypes = new Dictionary<Type, GgufValueType>
    {
        [typeof(byte[])] = GgufValueType.UInt8,
        [typeof(sbyte[])] = GgufValueType.Int8,
        [typeof(ushort[])] = GgufValueType.UInt16,
        [typeof(short[])] = GgufValueType.Int16,
        [typeof(uint[])] = GgufValueType.UInt32,
        [typeof(int[])] = GgufValueType.Int32,
        [typeof(float[])] = GgufValueType.Float32,
        [typeof(bool[])] = GgufValueType.Bool,
        [typeof(string[])] = GgufValueType.Text,
        [typeof(GgufValue[])] = GgufValueType.Array,
        [typeof(ulong[])] = GgufValueType.UInt64,
        [typeof(long[])] = GgufValueType.Int64,
        [typeof(double[])] = GgufValueType.Float64,
    }.ToFrozenDictionary();

    internal GgufValue(GgufValueType type, object content)
    {
        Type = type;
        Content = content;
    }

    /// <summary>Kind of the value.</summary>
    public GgufValueType Type { get; }

    /// <summary>The value.</summary>
    public object Content { get; }

    /// <summary>Kind of the elements when this is an array.</summary>
    public GgufValueType? ElementType => elementTypes.TryGetValue(Content.GetType(), out var type) ? type : null;

    /// <summary>The whole number, or null when the value is none or does not fit.</summary>
    public long? Integer => Content switch
    {
        byte value => value,
        sbyte value => value,
        ushort value => value,
        short value => value,
        uint value => value,
        int value => value,
        ulong value and <= long.MaxValue => (long)value,
        long value => value,
        _ => null,
    };

    /// <summary>The number, or null when the value is none.</summary>
    public double? Number => Content switch
    {
        float value => value,
        double value => value,
        _ => Integer,
    };

    /// <summary>The elements as whole numbers (true is 1), or null when the value is no array of such.</summary>
    public long[]? Integers => ElementType switch
    {
        GgufValueType.UInt8 => [.. ((byte[])Content).Select(static value => (long)value)],
        GgufValueType.Int8 => [.. ((sbyte[])Content).Select(static value => (long)value)],
        GgufValueType.UInt16 => [.. ((ushort[])Content).Select(static value => (long)value)],
        GgufValueType.Int16 => [.. ((short[])Content).Select(static value => (long)value)],
        GgufValueType.UInt32 => [.. ((uint[])Content).Select(static value => (long)value)],
        GgufValueType.Int32 => [.. ((int[])Content).Select(static value => (long)value)],
        GgufValueType.Bool => [.. ((bool[])Content).Select(static value => value ? 1L : 0L)],
        GgufValueType.Int64 => (long[])Content,
        _ => null,
    };

    /// <summary>An unsigned number.</summary>
    public static GgufValue Of(uint value) => new(GgufValueType.UInt32, value);

    /// <summary>A single.</summary>
    public static GgufValue Of(float value) => new(GgufValueType.Float32, value);

    /// <summary>A truth value.</summary>
    public static GgufValue Of(bool value) => new(GgufValueType.Bool, value);

    /// <summary>A text.</summary>
    public static GgufValue Of(string value) => new(GgufValueType.Text, value);

    /// <summary>A list of texts.</summary>
    public static GgufValue Of(string[] values) => new(GgufValueType.Array, values);

    /// <summary>A list of signed numbers.</summary>
    public static GgufValue Of(int[] values) => new(GgufValueType.Array, values);

    /// <summary>A list of truth values.</summary>
    public static GgufValue Of(bool[] values) => new(GgufValueType.Array, values);
}
