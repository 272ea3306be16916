using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class SamplingParamsTests
{
    [Fact]
    public void The_defaults_are_those_of_the_report_and_valid()
    {
        var parameters = new SamplingParams();
        parameters.Validate();
        Assert.Equal((1.0, 0.95), (parameters.Temperature, parameters.TopP));
    }

    public static IEnumerable<TheoryDataRow<string, SamplingParams>> Bad() =>
    [
        new("temperature is -0.1; it must be from 0 to 100.", new() { Temperature = -0.1 }),
        new("temperature is NaN", new() { Temperature = double.NaN }),
        new("temperature is Infinity", new() { Temperature = double.PositiveInfinity }),
        new("top_p is 1.5; it must be from 0 to 1.", new() { TopP = 1.5 }),
        new("top_p is NaN", new() { TopP = double.NaN }),
        new("top_k is -2", new() { TopK = -2 }),
        new("min_p is NaN", new() { MinP = double.NaN }),
        new("repetition_penalty is 0;", new() { RepetitionPenalty = 0 }),
        new("repetition_penalty is NaN", new() { RepetitionPenalty = double.NaN }),
        new("presence_penalty is 2.5", new() { PresencePenalty = 2.5 }),
        new("frequency_penalty is NaN", new() { FrequencyPenalty = double.NaN }),
        new("logit_bias of token 3 is 101", new() { LogitBias = new Dictionary<int, float> { [3] = 101 } }),
        new("logit_bias of token 3 is NaN", new() { LogitBias = new Dictionary<int, float> { [3] = float.NaN } }),
        new("logit_bias is -1", new() { LogitBias = new Dictionary<int, float> { [-1] = 1 } }),
        new("a stop string is empty", new() { Stop = [""] }),
        new("the number of stop strings is 65", new() { Stop = [.. Enumerable.Repeat("x", 65)] }),
        new("a stop token id is -4", new() { StopTokenIds = [1, -4] }),
        new("max_tokens is -1", new() { MaxTokens = -1 }),
        new("min_tokens is 9; it must be from 0 to max_tokens", new() { MinTokens = 9, MaxTokens = 8 }),
        new("thinking_token_budget is -1", new() { ThinkingBudget = -1 }),
        new("repetition_stop_count is -1", new() { RepetitionStopCount = -1 }),
        new("repetition_stop_probability is 1;", new() { RepetitionStopProbability = 1 }),
        new("top_logprobs is 21; it must be from 0 to 20.", new() { TopLogProbs = 21 }),
    ];

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void A_field_out_of_range_is_named_with_its_range(string expected, SamplingParams parameters) =>
        Assert.StartsWith(expected, Assert.Throws<InvalidInputException>(parameters.Validate).Message, StringComparison.Ordinal);
}
