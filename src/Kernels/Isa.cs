using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>The width of the vector path that every kernel takes.</summary>
public enum IsaPath
{
    /// <summary>One lane; works on every CPU.</summary>
    Scalar,

    /// <summary>256-bit vectors (AVX2 with FMA on x86).</summary>
    V256,

    /// <summary>512-bit vectors (AVX-512 on x86).</summary>
    V512,
}

/// <summary>
/// What this CPU has, and the path that the kernels take. <c>MINIMAX_ISA=scalar|v256|v512</c> forces one.
/// The only mutable static of the library: it is chosen once at start and changed only by tests.
/// </summary>
public static class Isa
{
    /// <summary>Name of the environment variable that forces a path.</summary>
    public const string EnvironmentVariable = "MINIMAX_ISA";

    /// <summary>The path in use.</summary>
    public static IsaPath Path { get; private set; } = Choose(Environment.GetEnvironmentVariable(EnvironmentVariable));

    /// <summary>All paths that this CPU can run, narrowest first.</summary>
    public static IReadOnlyList<IsaPath> Supported { get; } =
        [.. new[] { IsaPath.Scalar, IsaPath.V256, IsaPath.V512 }.Where(IsSupported)];

    /// <summary>True when this CPU accelerates the vectors of <paramref name="path"/>.</summary>
    public static bool IsSupported(IsaPath path) => path switch
    {
        IsaPath.V512 => Vector512.IsHardwareAccelerated,
        IsaPath.V256 => Vector256.IsHardwareAccelerated,
        _ => true,
    };

    /// <summary>Makes every kernel take <paramref name="path"/> from now on. For tests; not while a kernel runs.</summary>
    /// <exception cref="PlatformNotSupportedException">The CPU lacks it.</exception>
    public static void Force(IsaPath path)
    {
        Path = IsSupported(path) ? path : throw new PlatformNotSupportedException($"This CPU has no {path} path.");
    }

    internal static IsaPath Choose(string? forced)
    {
        var best = IsSupported(IsaPath.V512) ? IsaPath.V512 : IsSupported(IsaPath.V256) ? IsaPath.V256 : IsaPath.Scalar;
        if (string.IsNullOrEmpty(forced))
        {
            return best;
        }

        if (!Enum.TryParse<IsaPath>(forced, ignoreCase: true, out var path) || !Enum.IsDefined(path))
        {
            throw new PlatformNotSupportedException($"{EnvironmentVariable}={forced} is not known. Use scalar, v256 or v512.");
        }

        return IsSupported(path)
            ? path
            : throw new PlatformNotSupportedException($"{EnvironmentVariable}={forced}: this CPU has no such vectors; the widest path here is {best}.");
    }
}
