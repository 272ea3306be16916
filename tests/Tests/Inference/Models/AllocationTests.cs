using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Models;

/// <summary>Memory of decoding: nothing but a key/value page every 256 tokens.</summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AllocationTests : IDisposable
{
    public const string Name = "allocation";
    private const int PageTokens = 256;
    private const int Steps = 70;
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-allocation-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(null)]
    [InlineData("q8_0")]
    [InlineData("q4_0")]
    public async Task A_decode_step_allocates_nothing_within_a_page(string? type)
    {
        var model = RandomTiny.Folder;
        if (type is not null)
        {
            model = Path.Combine(folder, "model.gguf");
            var run = await Tests.Cli.CommandLineRun.Of("quantize", RandomTiny.Folder, model, "--type", type, "--rule", "all");
            Assert.True(run.ExitCode == 0, run.Error);
        }

        using var loaded = LoadedModel.Open(model, new ModelOptions { Threads = 2 });
        using var state = loaded.Model.CreateState();
        var ids = new int[1];
        Decode(loaded.Model, state, ids, PageTokens + 20); // Compiled, lists grown, the second page taken.
        var (threadBytes, allBytes) = (long.MaxValue, long.MaxValue);
        for (var attempt = 0; attempt < 3; attempt++) // The runtime may allocate once, for better code or a first wait; a step that allocates does so each time.
        {
            var (thread, all) = (GC.GetAllocatedBytesForCurrentThread(), GC.GetTotalAllocatedBytes(precise: true));
            Decode(loaded.Model, state, ids, Steps);
            threadBytes = Math.Min(threadBytes, GC.GetAllocatedBytesForCurrentThread() - thread);
            allBytes = Math.Min(allBytes, GC.GetTotalAllocatedBytes(precise: true) - all);
        }

        Assert.Equal(0, threadBytes);
        Assert.True(allBytes < Steps * 64, $"{allBytes:N0} bytes in {Steps} steps over all threads"); // Less than one object a step; the test host may allocate a little.
    }

    private static void Decode(MiniMaxM1 model, SequenceState state, int[] ids, int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            ids[0] = i % 200;
            var chunk = new SequenceChunk(state, ids);
            model.Forward(new ReadOnlySpan<SequenceChunk>(in chunk));
            model.Logits(0);
        }
    }
}
