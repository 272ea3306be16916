using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

/// <summary>The expected bytes are those that GNU as 2.4x writes for the text beside them.</summary>
public class AssemblerTests
{
    private static readonly Address Token = new(Gpr.R8, 128, Gpr.R13, 2);

    [Fact]
    public void Vector_instructions_have_the_bytes_of_the_assembler()
    {
        AssertBytes("62817C48104C6802", a => a.Load(17, Token)); // vmovups zmm17, [r8+r13*2+128]
        AssertBytes("62617C48117801", a => a.Store(new Address(Gpr.Rax, 64), 31)); // vmovups [rax+64], zmm31
        AssertBytes("62F17C48108C1141040000", a => a.Load(1, new Address(Gpr.Rcx, 1089, Gpr.Rdx, 1))); // vmovups zmm1, [rcx+rdx+1089]
        AssertBytes("62027D4858642909", a => a.Broadcast(28, new Address(Gpr.R9, 36, Gpr.R13, 1))); // vpbroadcastd zmm28, [r9+r13+36]
        AssertBytes("62627D48134C1101", a => a.WidenHalf(25, new Address(Gpr.Rcx, 32, Gpr.Rdx, 1))); // vcvtph2ps zmm25, [rcx+rdx+32]
        AssertBytes("62A27D4833545A01", a => a.WidenUInt16(18, new Address(Gpr.Rdx, 32, Gpr.R11, 2))); // vpmovzxwd zmm18, [rdx+r11*2+32]
        AssertBytes("62010540EFFF", a => a.Zero(31)); // vpxord zmm31, zmm31, zmm31
        AssertBytes("62517C4828C8", a => a.Move(9, 8)); // vmovaps zmm9, zmm8
        AssertBytes("62012D40DBD5", a => a.And(26, 26, 29)); // vpandd zmm26, zmm26, zmm29
        AssertBytes("62F10540FADB", a => a.SubtractInt32(3, 31, 3)); // vpsubd zmm3, zmm31, zmm3
        AssertBytes("62517C485BDB", a => a.ToSingle(11, 11)); // vcvtdq2ps zmm11, zmm11
        AssertBytes("62013C5059746A01", a => a.MultiplyBroadcast(30, 24, new Address(Gpr.R10, 4, Gpr.R13, 2))); // vmulps zmm30, zmm24, [r10+r13*2+4]{1to16}
        AssertBytes("62822548B8FE", a => a.Fma(23, 11, 30)); // vfmadd231ps zmm23, zmm11, zmm30
        AssertBytes("6292354050D4", a => a.DotBytes(2, 25, 28)); // vpdpbusd zmm2, zmm25, zmm28
        AssertBytes("62920E4052FD", a => a.DotBFloat16(7, 30, 29)); // vdpbf16ps zmm7, zmm30, zmm29
        AssertBytes("62912D4071D004", a => a.ShiftRightInt16(26, 24, 4)); // vpsrlw zmm26, zmm24, 4
        AssertBytes("62F17D4872F007", a => a.ShiftLeftInt32(0, 0, 7)); // vpslld zmm0, zmm0, 7
    }

    [Fact]
    public void Instructions_around_the_loop_have_the_bytes_of_the_assembler()
    {
        AssertBytes("410F189740080000", a => a.Prefetch(new Address(Gpr.R15, 2112))); // prefetcht1 [r15+2112]
        AssertBytes("4C8B6828", a => a.Load(Gpr.R13, new Address(Gpr.Rax, 40))); // mov r13, [rax+40]
        AssertBytes("4E8D646B00", a => a.LoadAddress(Gpr.R12, new Address(Gpr.Rbx, 0, Gpr.R13, 2))); // lea r12, [rbx+r13*2], with its zero written out
        AssertBytes("498D442410", a => a.LoadAddress(Gpr.Rax, new Address(Gpr.R12, 16))); // lea rax, [r12+16]
        AssertBytes("4981C640000000", a => a.Add(Gpr.R14, 64)); // add r14, 64 in its long form
        AssertBytes("4154", a => a.Push(Gpr.R12)); // push r12
        AssertBytes("5B", a => a.Pop(Gpr.Rbx)); // pop rbx
        AssertBytes("62717C08114C2403", a => a.StoreLow(new Address(Gpr.Rsp, 48), 9)); // {evex} vmovups [rsp+48], xmm9
        AssertBytes("62717C08107C2401", a => a.LoadLow(15, new Address(Gpr.Rsp, 16))); // {evex} vmovups xmm15, [rsp+16]
        AssertBytes("49FFCE0F85F7FFFFFF", a => a.Loop(Gpr.R14, 0)); // dec r14; jnz to the start
    }

    [Fact]
    public void A_refused_page_gives_null()
    {
        unsafe
        {
            Assert.True(ExecutableMemory.Place([]) == null);
        }
    }

    private static void AssertBytes(string expected, Action<Assembler> write)
    {
        var assembler = new Assembler();
        write(assembler);
        Assert.Equal(expected, Convert.ToHexString(assembler.ToArray()));
    }
}
