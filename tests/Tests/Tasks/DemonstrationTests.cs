using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class DemonstrationTests
{
    private static string[] Shown { get; } = [.. TaskCatalog.All.Where(task => task.Sample(1, 0).Reasoning is not null).Select(task => task.Name)];

    [Fact]
    public void Every_demonstration_ends_with_a_right_answer_also_where_an_error_is_corrected()
    {
        var (waits, all) = (0, 0);
        foreach (var name in Shown)
        {
            for (var seed = 0UL; seed < 20; seed++)
            {
                var languages = EnvironmentPrompt.Languages(name);
                var prompt = EnvironmentPrompt.Sample(name, 1 + (int)(seed % 3) % EnvironmentPrompt.MaxLevel(name), seed, languages[(int)seed % languages.Count]);
                var turns = Messages(Demonstration.Of(prompt, reflectionShare: 1)!);
                var reply = $"<think>\n{turns[^1].ReasoningContent}\n</think>\n\n{turns[^1].Content}";
                Assert.Equal(1, TaskCatalog.Get(name).Verify(prompt.Instance!, reply).Score);
                Assert.Equal(1, FinalAnswer.FormatReward(reply));
                waits += turns[^1].ReasoningContent!.Contains("Wait", StringComparison.Ordinal) || turns[^1].ReasoningContent!.Contains('等') ? 1 : 0;
                all++;
            }
        }

        Assert.True(waits > 0.5 * all, $"{waits} of {all}");
    }

    [Fact]
    public void The_corrected_line_is_wrong_first_and_right_then()
    {
        var prompt = EnvironmentPrompt.Sample("arithmetic-chain", 2, 3);
        var (plain, reflected) = (Thought(prompt, 0).Split('\n').ToList(), Thought(prompt, 1).Split('\n').ToList());
        Assert.Equal(plain.Count + 2, reflected.Count);
        var doubt = reflected.FindLastIndex(line => line.StartsWith("Wait", StringComparison.Ordinal));
        Assert.NotEqual(reflected[doubt - 1], reflected[doubt + 1]);
        Assert.Contains(prompt.Instance!.Gold, reflected[doubt + 1], StringComparison.Ordinal);
        reflected.RemoveRange(doubt - 1, 2);
        Assert.Equal(plain, reflected);
    }

    [Fact]
    public async Task Demonstrations_with_tools_are_played_in_the_environment_and_score_1()
    {
        for (var seed = 0UL; seed < 24; seed++)
        {
            var prompt = seed % 3 == 0 ? EnvironmentPrompt.Sample("calculator/arithmetic-chain", 3, seed) : EnvironmentPrompt.Sample("order-desk", 1 + (int)(seed % 8), seed);
            var line = Demonstration.Of(prompt, reflectionShare: seed % 2)!;
            var conversation = Conversation.Parse(Encoding.UTF8.GetBytes(line.ToJsonString()), "a demonstration");
            var policy = new ScriptedPolicy(conversation.Messages.Where(message => message.Role == "assistant"));
            var environment = prompt.Create();
            var rollout = await Episode.Run(environment, policy.Generate, ScriptedPolicy.Tokenizer, new SamplingParams { Seed = 1 }, new EpisodeOptions { MaxTokens = 100_000 }, TestContext.Current.CancellationToken);
            var scored = await new RewardScoring(TimeSpan.FromSeconds(20)).Score(rollout, environment.Rewards, TestContext.Current.CancellationToken);
            Assert.Equal((1, null, StopReasons.Stop), (scored.Reward, scored.Error, scored.StopReason));

            // What fine-tuning sees is, token by token, what the policy sees in an episode.
            var tuned = ChatTokenizer.Tokenize(ChatRenderer.Render(conversation with { AddGenerationPrompt = false }, ChatDialect.Repaired, ReasoningHistory.Keep), ScriptedPolicy.Tokenizer);
            int[] played = [.. rollout.PromptTokens!, .. rollout.Tokens];
            Assert.Equal(tuned.Ids[..played.Length], played);
            Assert.Equal(tuned.LossMask[rollout.PromptTokens!.Length..played.Length], rollout.Tokens.Select((_, i) => rollout.InLoss(i)));
        }
    }

    [Fact]
    public void An_error_in_a_demonstration_of_the_desk_is_noticed()
    {
        var prompt = EnvironmentPrompt.Sample("order-desk", 3, 2);
        Assert.DoesNotContain("Wait", Demonstration.Of(prompt, 0)!.ToJsonString(), StringComparison.Ordinal);
        var text = Demonstration.Of(prompt, 1)!.ToJsonString();
        Assert.True(text.IndexOf("error: there is no such key", StringComparison.Ordinal) is var at and > 0 && text.IndexOf("Wait", at, StringComparison.Ordinal) > at);
    }

    [Fact]
    public void No_prompt_lies_in_two_parts_over_many_seeds()
    {
        string[] names = [.. TaskCatalog.All.Select(task => task.Name), EnvironmentPrompt.OrderDesk];
        var parts = new Dictionary<string, (TaskSplit Split, string From)>();
        var counts = new Dictionary<TaskSplit, int>();
        foreach (var name in names)
        {
            for (var seed = 0UL; seed < (Shown.Contains(name) ? 400UL : 60UL); seed++)
            {
                var languages = EnvironmentPrompt.Languages(name);
                var prompt = EnvironmentPrompt.Sample(name, 1 + (int)(seed % 3) % EnvironmentPrompt.MaxLevel(name), seed, languages[(int)(seed % (ulong)languages.Count)]);
                counts[prompt.Split] = counts.GetValueOrDefault(prompt.Split) + 1;
                var from = $"{name}, seed {seed}";
                Assert.True(parts.TryAdd(prompt.Id, (prompt.Split, from)) || parts[prompt.Id].Split == prompt.Split, $"{from} and {parts[prompt.Id].From} have one prompt in two parts");
            }
        }

        Assert.All(Enum.GetValues<TaskSplit>(), part => Assert.True(counts[part] > 100, $"{part}: {counts.GetValueOrDefault(part)}"));
    }

    [Fact]
    public void Fine_tuning_reinforcement_and_evaluation_share_no_prompt()
    {
        var tuned = new HashSet<string>();
        var evaluated = new HashSet<string>();
        for (var seed = 0UL; seed < 3_000; seed++)
        {
            var prompt = EnvironmentPrompt.Sample("addition", 2, seed);
            _ = prompt.Split switch { TaskSplit.Sft => tuned.Add(prompt.Id), TaskSplit.Evaluation => evaluated.Add(prompt.Id), _ => false };
        }

        var curriculum = new Curriculum([new CurriculumEntry("addition") { Level = 2, MaxLevel = 2, Language = TaskLanguage.English }], new CurriculumOptions());
        var reinforced = Enumerable.Range(0, 1_000).Select(number => curriculum.Draw(0, number).Id).ToHashSet();
        Assert.True(tuned.Count > 1_000 && evaluated.Count > 100 && reinforced.Count > 300);
        Assert.Empty(tuned.Intersect(reinforced));
        Assert.Empty(tuned.Intersect(evaluated));
        Assert.Empty(evaluated.Intersect(reinforced));
    }

    private static string Thought(EnvironmentPrompt prompt, double share) => Messages(Demonstration.Of(prompt, share)!)[^1].ReasoningContent!;

    private static IReadOnlyList<ChatMessage> Messages(JsonObject line) => Conversation.Parse(JsonDocument.Parse(line.ToJsonString()).RootElement, "a demonstration").Messages;
}
