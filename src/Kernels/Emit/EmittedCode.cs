using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Whether kernels may be written as machine code at run time: instructions that .NET 10 has no intrinsics for, in their 512-bit form.
/// <c>MINIMAX_JIT=0</c> switches them off; Q8_0 and Q4_0 give the same bits either way, BF16 stays exact without them.
/// </summary>
public static class EmittedCode
{
    /// <summary>Name of the environment variable that switches emitted kernels off.</summary>
    public const string EnvironmentVariable = "MINIMAX_JIT";

    private const int SavedOnWindowsFirst = 6;
    private const int SavedOnWindowsCount = 10;
    private static readonly Gpr[] Saved = [Gpr.Rbx, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15];

    /// <summary>True when 512-bit code may be emitted.</summary>
    internal static bool IsAllowed { get; } =
        Environment.GetEnvironmentVariable(EnvironmentVariable) != "0" && X86Base.X64.IsSupported && Avx512F.IsSupported && Avx512BW.IsSupported;

    /// <summary>True when the CPU multiplies 64 bytes at once (AVX512_VNNI) and code may be emitted for it.</summary>
    internal static bool HasDotBytes { get; } = IsAllowed && (Leaf7(subleaf: 0).Ecx >> 11 & 1) == 1;

    /// <summary>True when the CPU multiplies 32 bf16 at once (AVX512_BF16) and code may be emitted for it.</summary>
    internal static bool HasDotBFloat16 { get; } = IsAllowed && Leaf7(subleaf: 0).Eax >= 1 && (Leaf7(subleaf: 1).Eax >> 5 & 1) == 1;

    /// <summary>Keeps what both calling conventions want kept and puts the only argument, a pointer, into rax.</summary>
    internal static void Enter(Assembler assembler)
    {
        foreach (var register in Saved)
        {
            assembler.Push(register);
        }

        if (OperatingSystem.IsWindows())
        {
            assembler.Add(Gpr.Rsp, -16 * SavedOnWindowsCount);
            for (var i = 0; i < SavedOnWindowsCount; i++)
            {
                assembler.StoreLow(new Address(Gpr.Rsp, 16 * i), SavedOnWindowsFirst + i);
            }
        }

        assembler.LoadAddress(Gpr.Rax, new Address(OperatingSystem.IsWindows() ? Gpr.Rcx : Gpr.Rdi));
    }

    internal static void Leave(Assembler assembler)
    {
        if (OperatingSystem.IsWindows())
        {
            for (var i = 0; i < SavedOnWindowsCount; i++)
            {
                assembler.LoadLow(SavedOnWindowsFirst + i, new Address(Gpr.Rsp, 16 * i));
            }

            assembler.Add(Gpr.Rsp, 16 * SavedOnWindowsCount);
        }

        foreach (var register in Saved.Reverse())
        {
            assembler.Pop(register);
        }

        assembler.Return();
    }

    /// <summary>target = origin + 3 · stride.</summary>
    internal static void EmitThird(Assembler a, Gpr target, Gpr origin, Gpr stride)
    {
        a.LoadAddress(target, new Address(origin, 0, stride, 2));
        a.LoadAddress(target, new Address(target, 0, stride, 1));
    }

    private static (int Eax, int Ecx) Leaf7(int subleaf)
    {
        var (eax, _, ecx, _) = X86Base.CpuId(7, subleaf);
        return (eax, ecx);
    }
}
