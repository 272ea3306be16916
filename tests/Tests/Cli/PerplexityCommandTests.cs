using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Cli;

public sealed class PerplexityCommandTests : IDisposable
{
    private readonly string text = Path.GetTempFileName();

    public PerplexityCommandTests() => File.WriteAllText(text, string.Concat(Enumerable.Repeat("The river runs to the sea, and the sea is not full. ", 12)));

    public void Dispose() => File.Delete(text);

    [Fact]
    public async Task Perplexity_is_that_of_scoring_by_hand()
    {
        var result = Json(await CommandLineRun.Of("perplexity", RandomTiny.Folder, "--text", text, "--window", "40", "--json"));
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        var ids = engine.Tokenizer.Encode(File.ReadAllText(text));
        var (sum, count) = (0.0, 0);
        for (var start = 0; start < ids.Length; start += 40)
        {
            using var state = engine.Loaded.Model.CreateState();
            for (var i = start; i + 1 < Math.Min(ids.Length, start + 40); i++, count++)
            {
                engine.Loaded.Model.Forward([new SequenceChunk(state, ids.AsMemory(i, 1))]);
                var logits = engine.Loaded.Model.Logits(0);
                sum += LogSoftmax.Reference(logits) - logits[ids[i + 1]];
            }
        }

        Assert.Equal(count, result.GetProperty("tokens").GetInt32());
        Assert.Equal(sum / count, result.GetProperty("mean_nll").GetDouble(), 1e-4);
        Assert.Equal(Math.Exp(sum / count), result.GetProperty("perplexity").GetDouble(), 0.5);
    }

    [Fact]
    public async Task A_model_has_no_divergence_from_itself()
    {
        var result = Json(await CommandLineRun.Of("perplexity", RandomTiny.Folder, "--text", text, "--reference", RandomTiny.Folder, "--json"));
        Assert.Equal(0, result.GetProperty("mean_kl").GetDouble(), 1e-9);
        Assert.Equal(0, result.GetProperty("mean_abs_delta_logprob").GetDouble());
        Assert.Equal(1, result.GetProperty("top1_agreement").GetDouble());
    }

    [Fact]
    public async Task Another_models_divergence_is_positive_and_another_vocabulary_is_refused()
    {
        var folder = Directory.CreateTempSubdirectory("minimax-ppl-").FullName;
        try
        {
            Assert.Equal(0, (await CommandLineRun.Of("synth", folder, "--config", Path.Combine(RandomTiny.Folder, "config.json"), "--dtype", "f32", "--seed", "9", "--force")).ExitCode);
            var result = Json(await CommandLineRun.Of("perplexity", RandomTiny.Folder, "--text", text, "--reference", folder, "--json"));
            Assert.True(result.GetProperty("mean_kl").GetDouble() > 0.1);
            Assert.True(result.GetProperty("top1_agreement").GetDouble() < 0.5);
            var refused = await CommandLineRun.Of("perplexity", RandomTiny.Folder, "--text", text, "--reference", Fixtures.Golden("model/tiny-shared"));
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains("cannot be compared", refused.Error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task An_empty_text_and_a_missing_file_are_refused()
    {
        await File.WriteAllTextAsync(text, "", TestContext.Current.CancellationToken);
        Assert.Equal(2, (await CommandLineRun.Of("perplexity", RandomTiny.Folder, "--text", text)).ExitCode);
        Assert.Equal(2, (await CommandLineRun.Of("perplexity", RandomTiny.Folder, "--text", "/no/such/file")).ExitCode);
        Assert.Equal(2, (await CommandLineRun.Of("perplexity", RandomTiny.Folder, "--text", text, "--window", "1")).ExitCode);
    }

    private static JsonElement Json(CommandLineRun run)
    {
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonDocument.Parse(run.Output).RootElement;
    }
}
