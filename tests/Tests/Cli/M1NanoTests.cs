using System.Text.Json;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Cli;

public sealed class M1NanoTests : IDisposable
{
    private const long MostBytes = 16_000_000;

    private readonly string folder = Directory.CreateTempSubdirectory("minimax-nano-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Conversations_show_only_problems_for_fine_tuning_in_both_languages_and_every_task()
    {
        var lines = Enumerable.Range(0, 600).Select(static i => M1NanoData.Conversation((ulong)i)).ToArray();
        Assert.Equal(lines[17], M1NanoData.Conversation(17));
        var tasks = new HashSet<string>(StringComparer.Ordinal);
        var chinese = 0;
        foreach (var line in lines)
        {
            using var json = JsonDocument.Parse(line);
            var example = json.RootElement;
            Assert.Equal("sft", example.GetProperty("split").GetString());
            tasks.Add(example.GetProperty("task").GetString()!);
            var messages = Conversation.Parse(example, "line").Messages;
            Assert.Equal(("user", "assistant"), (messages[0].Role, messages[^1].Role));
            Assert.False(string.IsNullOrEmpty(messages[^1].ReasoningContent));
            chinese += messages[0].Content.ToString().Any(static sign => sign >= '一') ? 1 : 0;
        }

        Assert.Superset(M1NanoData.Tasks.Select(static task => task.Name).ToHashSet(StringComparer.Ordinal), tasks);
        Assert.Contains(tasks, static name => name.StartsWith("calculator/", StringComparison.Ordinal));
        Assert.Contains("talk/outside", tasks);
        Assert.InRange(chinese / 600.0, 0.3, 0.5);
    }

    [Fact]
    public void Earlier_turns_are_context_without_thoughts()
    {
        var several = Enumerable.Range(0, 200).Select(static i => Conversation.Parse(JsonDocument.Parse(M1NanoData.HarderConversation((ulong)i)).RootElement, "line").Messages)
            .Where(static messages => messages.Count(static message => message.Role == "user") > 1).ToArray();
        Assert.InRange(several.Length, 20, 60);
        Assert.All(several, static messages =>
        {
            var first = messages.First(static message => message.Role == "assistant");
            Assert.Equal((false, null), (first.IsLearned, first.ReasoningContent));
            Assert.Equal((true, false), (messages[^1].IsLearned, string.IsNullOrEmpty(messages[^1].ReasoningContent)));
        });
    }

    [Fact]
    public void Texts_hold_what_they_say()
    {
        var texts = Enumerable.Range(0, 400).Select(static i => JsonDocument.Parse(M1NanoData.Text((ulong)i)).RootElement.GetProperty("text").GetString()!).ToArray();
        Assert.All(texts, static text => Assert.InRange(text.Length, 5, 4000));
        Assert.Contains(texts, static text => text.Contains("\\boxed{", StringComparison.Ordinal));
        Assert.Contains(texts, static text => text.Contains(InferenceEngine.ThinkingClosing.Trim(), StringComparison.Ordinal));
        Assert.Contains(texts, static text => text.Contains("calculate", StringComparison.Ordinal));
    }

    [Fact]
    public void Recipes_are_valid_and_the_model_fits_in_the_repository()
    {
        var pretrain = M1NanoRecipes.Pretrain();
        pretrain.Validate();
        Assert.All(M1NanoRecipes.FineTunings, static recipe => (recipe.Run with { Model = "model" }).Validate());
        using var module = MiniMaxM1Module.Create(pretrain.Config! with { VocabSize = pretrain.VocabularySize }, 1, new ModuleOptions { Threads = 1 });
        Assert.InRange(module.ParameterCount * sizeof(float), 1, MostBytes);
        foreach (var run in new[] { M1NanoRecipes.Rl(), M1NanoRecipes.Long() })
        {
            (run with { Model = "model" }).Validate();
            Assert.All(run.Tasks, static task => TaskCatalog.Get(task.Task).Sample(task.Level, 1, task.Language!.Value));
        }
    }

    [Fact]
    public void Every_stage_has_its_recipe() => Assert.All(ReproduceCommand.Stages, static stage => Assert.Equal(stage.Recipe, stage.Command switch
    {
        "pretrain" => TrainingRecipe<PretrainRun>.Find(PretrainRecipes.All, stage.Recipe).Run.Recipe,
        "sft" => TrainingRecipe<SftRun>.Find(SftRecipes.All, stage.Recipe).Run.Recipe,
        _ => RlRecipes.Find(stage.Recipe).Run.Recipe,
    }));

    [Fact]
    public async Task A_stage_is_run_once_and_needs_the_one_before()
    {
        var run = Path.Combine(folder, "pretrain");
        Directory.CreateDirectory(Path.Combine(run, "data"));
        await File.WriteAllLinesAsync(Path.Combine(run, M1NanoData.TextFile), Enumerable.Range(0, 400).Select(static i => M1NanoData.Text((ulong)i)), TestContext.Current.CancellationToken);
        string[] command = ["train", "reproduce", "m1-nano", "--out", folder, "--scale", "0.0001", "--threads", "1"];
        var early = await CommandLineRun.Of([.. command, "--stage", "sft"]);
        Assert.Equal(CommandLine.BadInput, early.ExitCode);
        Assert.Contains("Run the stage pretrain first", early.Error, StringComparison.Ordinal);

        var first = await CommandLineRun.Of([.. command, "--stage", "pretrain"]);
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Equal(1, TrainingCheckpoint.Latest(run)!.Step);
        var again = await CommandLineRun.Of([.. command, "--stage", "pretrain"]);
        Assert.Equal((0, ""), (again.ExitCode, again.Output));
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of("train", "reproduce", "m1-nano", "--out", folder, "--scale", "0")).ExitCode);
    }
}
