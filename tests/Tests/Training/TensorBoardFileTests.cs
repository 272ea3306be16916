using System.Text;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

public sealed class TensorBoardFileTests
{
    /// <summary>The frames were put together by an independent program from the descriptions of TFRecord and of the Event message.</summary>
    [Fact]
    public void A_file_has_the_bytes_of_the_format()
    {
        using var folder = new ScratchFolder();
        using (var file = new TensorBoardFile(folder.Path, time: new FixedTime()))
        {
            file.Log(7, new Dictionary<string, double> { ["loss"] = 2.5 });
        }

        var path = Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "tensorboard")));
        Assert.StartsWith("events.out.tfevents.1700000000.", Path.GetFileName(path), StringComparison.Ordinal);
        Assert.Equal(
            "1A00000000000000129BD82D0900001040FC54D94110001A0D627261696E2E4576656E743A3252EF97931A00000000000000129BD82D0900001040FC54D94110072A0D0A0B0A046C6F73731500002040F98D2228",
            Convert.ToHexString(File.ReadAllBytes(path)));
    }

    [Fact]
    public void The_checksum_is_the_masked_one_of_Castagnoli() => Assert.Equal(0xC78AB0E5, TensorBoardFile.MaskedChecksum("123456789"u8));

    [Fact]
    public void A_resumed_run_starts_a_file_that_voids_the_later_steps()
    {
        using var folder = new ScratchFolder();
        new TensorBoardFile(folder.Path, time: new FixedTime()).Dispose();
        new TensorBoardFile(folder.Path, resumedAtStep: 9, new FixedTime()).Dispose();
        var files = Directory.GetFiles(Path.Combine(folder.Path, "tensorboard")).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(2, files.Count);
        Assert.Contains("100A3A020801", Convert.ToHexString(File.ReadAllBytes(files[1])), StringComparison.Ordinal); // step 10, session_log { status: START }
    }

    [Fact]
    public void The_log_of_a_run_reads_back_as_columns_without_its_torn_line()
    {
        using var folder = new ScratchFolder();
        using (var log = new RunLog(folder.Path))
        {
            log.Log(1, new Dictionary<string, double> { ["loss"] = 3, ["eval/loss"] = 4 });
            log.Log(2, new Dictionary<string, double> { ["loss"] = double.NaN });
        }

        File.AppendAllText(Path.Combine(folder.Path, "metrics.jsonl"), "{\"step\":3,\"lo", Encoding.UTF8);
        var metrics = RunMetrics.Read(folder.Path);
        Assert.Equal(["loss", "eval/loss"], metrics.Names);
        Assert.Equal([(1L, 3.0), (2L, double.NaN)], metrics["loss"]);
        Assert.Equal([(1L, 4.0)], metrics["eval/loss"]);
        Assert.Empty(metrics["reward"]);
    }

    [Fact]
    public void A_run_that_begins_again_or_goes_on_has_every_step_once()
    {
        using var folder = new ScratchFolder();
        foreach (var resumedAt in new[] { 0L, 0L, 1L })
        {
            using var log = new RunLog(folder.Path, resumedAt);
            for (var step = resumedAt == 0 ? 0 : resumedAt + 1; step <= 2; step++)
            {
                log.Log(step, new Dictionary<string, double> { ["reward"] = (10 * resumedAt) + step });
            }
        }

        Assert.Equal([(0L, 0.0), (1L, 1.0), (2L, 12.0)], RunMetrics.Read(folder.Path)["reward"]);
        File.AppendAllText(Path.Combine(folder.Path, "metrics.jsonl"), "{\"step\":2,\"reward\":7}\n", Encoding.UTF8);
        Assert.Equal([(0L, 0.0), (1L, 1.0), (2L, 7.0)], RunMetrics.Read(folder.Path)["reward"]);
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(1700000000250);
    }
}
