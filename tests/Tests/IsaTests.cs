using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public class IsaTests
{
    [Fact]
    public void An_unknown_forced_path_is_refused_with_the_known_ones()
    {
        var error = Assert.Throws<PlatformNotSupportedException>(() => Isa.Choose("avx9000"));
        Assert.Contains("scalar, v256 or v512", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_scalar_path_can_always_be_forced() => Assert.Equal(IsaPath.Scalar, Isa.Choose("scalar"));
}
