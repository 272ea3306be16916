using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class RolloutFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-rollouts-").FullName;

    public static Rollout Sample(long step = 1, int sample = 0, double reward = 1, string task = "addition") => new()
    {
        Step = step,
        PolicyVersion = step,
        Task = task,
        Level = 2,
        Prompt = "00ff00ff00ff00ff",
        Group = 0,
        Sample = sample,
        PromptText = "1 + 1 = ?",
        Reasoning = "一 and 一",
        Answer = "\\boxed{2} <b>",
        Tokens = [72, 105, 33],
        LossMask = [1, 0, 1],
        Logprobs = [-0.1f, 0, -2.5f],
        TrainLogprobs = [-0.1f, 0, -2.5000002f],
        Reward = reward,
        Rewards = [new RewardTerm("correct", reward), new RewardTerm("format", 0)],
        Advantage = 0.5,
        StopReason = StopReasons.Stop,
    };

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_line_has_the_names_of_the_contract_and_reads_back_bit_by_bit()
    {
        var line = RolloutFile.ToJson(Sample());
        using var json = JsonDocument.Parse(line);
        Assert.Equal(
            ["step", "policy_version", "task", "level", "prompt", "group", "sample", "prompt_text", "reasoning", "answer", "tokens", "loss_mask", "logprobs", "train_logprobs", "reward", "rewards", "advantage", "stop_reason"],
            json.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal("""[{"name":"correct","value":1},{"name":"format","value":0}]""", json.RootElement.GetProperty("rewards").GetRawText());
        Assert.Contains("一 and 一", line, StringComparison.Ordinal);
        var read = RolloutFile.Parse(line, "a test");
        Assert.Equal(line, RolloutFile.ToJson(read));
        Assert.Equal(Sample().TrainLogprobs, read.TrainLogprobs);
        Assert.Equal(2, read.PolicyTokens);
    }

    [Fact]
    public void A_resumed_run_writes_its_steps_again_and_a_cut_line_is_dropped()
    {
        using (var file = new RolloutFile(folder))
        {
            file.Append([Sample(1), Sample(2), Sample(3)]);
        }

        File.AppendAllText(Path.Combine(folder, RolloutFile.Name), "{\"step\":4,");
        Assert.Equal([1, 2, 3], RolloutFile.Read(folder).Select(rollout => rollout.Step));
        using (var file = new RolloutFile(folder, resumedAtStep: 2))
        {
            file.Append([Sample(3, sample: 9)]);
        }

        Assert.Equal([(1L, 0), (2L, 0), (3L, 9)], RolloutFile.Read(folder).Select(rollout => (rollout.Step, rollout.Sample)));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("""{"step":1,"task":"a","prompt":"b","group":0,"sample":0,"prompt_text":"","tokens":null,"logprobs":[],"stop_reason":"stop"}""")]
    [InlineData("""{"step":1,"task":"a","prompt":"b","group":0,"sample":0,"prompt_text":"","tokens":[1],"logprobs":[],"stop_reason":"stop"}""")]
    public void What_is_no_roll_out_is_refused_with_its_place(string line)
    {
        File.WriteAllText(Path.Combine(folder, RolloutFile.Name), line + "\n");
        var refused = Assert.Throws<InvalidInputException>(() => RolloutFile.Read(folder).ToList());
        Assert.Contains("line 1: not a roll-out", refused.Message, StringComparison.Ordinal);
    }
}
