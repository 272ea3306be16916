using System.Diagnostics;

namespace MiniMaxSharp.Tests.Training;

public sealed class TorchNativeTests
{
    [Fact]
    public async Task Processes_that_start_at_once_with_an_empty_cache_all_find_libtorch()
    {
        using var folder = new ScratchFolder();
        var processes = Enumerable.Range(0, 2).Select(i => Start(folder.Path, $"run-{i}")).ToArray();
        foreach (var process in processes)
        {
            var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, error);
            process.Dispose();
        }

        var left = Directory.GetFiles(folder.Path, "*libLibTorchSharp.so*", SearchOption.AllDirectories);
        Assert.All(left, static file => Assert.EndsWith(".so", file, StringComparison.Ordinal)); // No temporary copies.
    }

    private static Process Start(string folder, string run)
    {
        var start = CommandLineProcess.StartInfo("train", "pretrain", "--recipe", "nano-smoke", "--steps", "1", "--out", Path.Combine(folder, run));
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(folder, "cache");
        return Process.Start(start)!;
    }
}
