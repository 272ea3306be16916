using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests.Tasks;

public sealed class HeldOutTaskTests
{
    [Fact]
    public void A_range_of_levels_gives_each_level()
    {
        Assert.Equal([new HeldOutTask("addition", 1)], HeldOutTask.Parse("addition"));
        Assert.Equal([new HeldOutTask("calculator/division", 3)], HeldOutTask.Parse("calculator/division:3"));
        Assert.Equal([2, 3, 4], HeldOutTask.Parse("addition:2-4").Select(static task => task.Level));
    }

    [Theory]
    [InlineData("addition:0")]
    [InlineData("addition:4-2")]
    [InlineData("addition:1-99")]
    [InlineData("addition:1-2-3")]
    [InlineData("addition:")]
    [InlineData("nothing:1")]
    public void A_task_or_level_that_does_not_exist_is_bad_input(string text) => Assert.Throws<InvalidInputException>(() => HeldOutTask.Parse(text).ToArray());

    [Fact]
    public void Prompts_are_different_and_of_one_part_and_end_where_there_are_no_more()
    {
        var prompts = new HeldOutTask("addition", 3).Prompts(TaskSplit.Evaluation, TaskLanguage.Chinese, 7).Take(40).ToArray();
        Assert.All(prompts, static prompt => Assert.Equal(TaskSplit.Evaluation, prompt.Split));
        Assert.Equal(40, prompts.Select(static prompt => prompt.Id).Distinct().Count());
        Assert.InRange(new HeldOutTask("addition", 1).Prompts(TaskSplit.Evaluation, TaskLanguage.English, 0).Take(5000).Count(), 1, 1000);
    }
}
