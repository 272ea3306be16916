using System.Diagnostics;
using CsCheck;
using MiniMaxSharp.Inference;
using static MiniMaxSharp.Inference.ChatDeltaKind;

namespace MiniMaxSharp.Tests;

public class ChatStreamParserTests
{
    private static readonly Gen<string> pieces = Gen.OneOf(
        Gen.OneOf(
            "<think>", "</think>", "<tool_calls>", "</tool_calls>", "\n", " ", "<", "</", "<t", "<think", "<tool", "</tool_calls", "{", "}", "[", "]", "\"", "\\", ",", ":",
            "{\"name\": \"f\", \"arguments\": {}}", "{\"name\": \"f\", \"arguments\": {\"a\": [1, -2.5e3, \"}\\\"\\u00e9\"]}}\n", "{\"arguments\": {\"b\": null}, \"name\": \"g\\n\"}",
            "{\"name\": ", "\"arguments\": ", "\"name\"", "\"f\"", "true", "0", "1.", "e5", "é", "😀", "\u2028", "answer", "tool_calls>"),
        Gen.String[Gen.Char["<>/{}\"\\:,[] \nab"], 0, 6]);

    private static readonly Gen<string> texts = Gen.OneOf(
        pieces.Array[0, 14].Select(parts => string.Concat(parts)),
        pieces.Array[0, 10].Select(parts => "<tool_calls>\n" + string.Concat(parts)),
        pieces.Array[0, 8].Select(parts => "<think>x</think>\n\n<tool_calls>{\"name\": \"f\", \"arguments\": {" + string.Concat(parts)));

    [Fact]
    public void The_result_does_not_depend_on_the_pieces() =>
        Gen.Select(texts, Gen.Bool, Gen.Int[1, 7].Array[1, 20]).Sample(
            (text, thinking, cuts) =>
            {
                var whole = Run([text], thinking);
                Assert.Equal(whole, Run(text.Select(c => c.ToString()), thinking));
                Assert.Equal(whole, Run(Split(text, cuts), thinking));
            },
            iter: 20_000);

    [Fact]
    public void Without_tags_all_text_is_content() =>
        Gen.String[Gen.Char["<>/{}\"\\: \nthink"], 0, 30].Where(text => !text.Contains("<think>", StringComparison.Ordinal)).Sample(
            text => Assert.Equal(text, string.Concat(Run(text.Select(c => c.ToString())).Select(delta => delta.Text))), iter: 5000);

    [Fact]
    public void A_rendered_turn_parses_back() =>
        Gen.Select(Gen.String[Gen.Char["ab<\n {}"], 0, 12], Gen.String[Gen.Char["ab é\n"], 0, 12], Gen.Int[0, 3], Gen.Bool).Sample(
            (content, thought, count, think) =>
            {
                var calls = Enumerable.Range(0, count).Select(i => new ToolCall($"call_{i}", "tool \"" + i, "{\"a\": \"<tool_calls> }\\n\"}")).ToList();
                content = content.Trim();
                thought = thought.Trim();
                var message = ChatMessage.Assistant(content, think && thought.Length > 0 ? thought : null, calls.Count > 0 ? calls : null);
                var rendered = ChatRenderer.Render(new Conversation([message]) { AddGenerationPrompt = false }, ChatDialect.Repaired, ReasoningHistory.Keep);
                var generated = rendered.Segments.Where(s => s.InLoss && s.Kind == ChatSegmentKind.Plain).Select(s => s.Text).SingleOrDefault("");
                var parsed = ChatStreamParser.Parse(generated);
                Assert.Equal(content, parsed.Content.ToString().TrimEnd('\n'));
                Assert.Equal(message.ReasoningContent, parsed.ReasoningContent?.Trim('\n'));
                Assert.Equal(calls, parsed.ToolCalls ?? []);
            },
            iter: 3000);

    [Fact]
    public void Thinking_ends_at_its_tag_and_line_ends_after_it_are_dropped() =>
        Assert.Equal([new(Reasoning, "\na<tool_calls>{}\n"), new(Content, " b<think>c")], Run([" \n<think>\na<tool_calls>{}\n</think>\n\r\n b<think>c"]));

    [Fact]
    public void A_parser_can_start_in_reasoning() =>
        Assert.Equal([new(Reasoning, "a"), new(Content, "b</think>")], Run(["a</think>b</think>"], startsInReasoning: true));

    [Fact]
    public void Think_tags_after_text_are_text() => Assert.Equal([new(Content, "x <think>y</think>")], Run(["x <think>y</think>"]));

    [Fact]
    public void Calls_are_numbered_and_their_arguments_verbatim()
    {
        var deltas = Run(["ok\n<tool_calls>\n{\"name\": \"f\", \"arguments\": {\"a\" : [1,\"}\\\"\"]}}\n{\"id\": 7.5e1, \"arguments\":{}, \"name\": \"\\u0067\"}\n</tool_calls>\nmore"]);
        Assert.Equal(
            [
                new(Content, "ok\n"), new(ToolCallStart, "f", 0, "call_0"), new(ToolCallArguments, "{\"a\" : [1,\"}\\\"\"]}", 0), new(ToolCallEnd, "", 0),
                new(ToolCallStart, "g", 1, "call_1"), new(ToolCallArguments, "{}", 1), new(ToolCallEnd, "", 1), new(Content, "\nmore"),
            ],
            deltas);
    }

    [Fact]
    public void Arguments_come_before_the_call_closes()
    {
        var parser = new ChatStreamParser(callIdPrefix: "id-");
        var deltas = new List<ChatDelta>();
        parser.Push("<tool_calls>\n{\"name\": \"f\", \"arguments\": {\"path\": \"/t", deltas);
        Assert.Equal([new(ToolCallStart, "f", 0, "id-0"), new(ToolCallArguments, "{\"path\": \"/t", 0)], deltas);
        Assert.Equal(0, parser.ToolCallCount);
        parser.Push("mp\"}}", deltas);
        Assert.Equal([new(ToolCallArguments, "mp\"}", 0), new(ToolCallEnd, "", 0)], deltas[2..]);
        Assert.Equal(1, parser.ToolCallCount);
    }

    [Fact]
    public void A_call_without_arguments_has_an_empty_object() =>
        Assert.Equal("{}", ChatStreamParser.Parse("<tool_calls>{\"name\": \"f\"}</tool_calls>").ToolCalls![0].ArgumentsJson);

    [Theory]
    [InlineData("<tool_calls></tool_calls>")]
    [InlineData("Use <tool_calls>\n</tool_calls> tags.")]
    [InlineData("<tool_calls>\nget_weather()\n</tool_calls>")]
    [InlineData("<tool_calls>\n{\"name\": 5, \"arguments\": {}}\n</tool_calls>")]
    [InlineData("<tool_calls>\n{\"name\": \"\", \"arguments\": {}}\n</tool_calls>")]
    [InlineData("<tool_calls>\n{\"name\": \"f\", \"arguments\": [1]}\n</tool_calls>")]
    [InlineData("<tool_calls>\n{\"name\": \"f\", \"name\": \"g\", \"arguments\": {}}\n</tool_calls>")]
    [InlineData("<tool_calls>\n{\"arguments\": {}}\n</tool_calls>")]
    [InlineData("<tool_calls>\n{'name': 'f'}")]
    [InlineData("<tool_calls>\n{\"name\": \"\\ud800\"}")]
    [InlineData("<tool_calls>\n{\"name\": \"f")]
    [InlineData("<tool_calls>\n")]
    [InlineData("<tool_ca")]
    [InlineData(" \n<thin")]
    public void A_block_that_is_no_list_of_calls_is_content(string text) => Assert.Equal([new(Content, text)], Run([text]));

    [Fact]
    public void A_call_that_breaks_after_its_start_is_closed_and_given_as_text() =>
        Assert.Equal(
            [
                new(ToolCallStart, "f", 0, "call_0"), new(ToolCallArguments, "{}", 0), new(ToolCallEnd, "", 0),
                new(ToolCallStart, "g", 1, "call_1"), new(ToolCallArguments, "{\"a\": ", 1), new(ToolCallMalformed, "", 1),
                new(Content, "\n{\"name\": \"g\", \"arguments\": {\"a\": x}}\n</tool_calls>!"),
            ],
            Run(["<tool_calls>\n{\"name\": \"f\", \"arguments\": {}}\n{\"name\": \"g\", \"arguments\": {\"a\": x}}\n</tool_calls>!"]));

    [Fact]
    public void A_call_that_is_cut_off_is_marked_and_not_given_twice() =>
        Assert.Equal(
            [new(ToolCallStart, "f", 0, "call_0"), new(ToolCallArguments, "{\"a\": 1", 0), new(ToolCallMalformed, "", 0)],
            Run(["<tool_calls>\n{\"name\": \"f\", \"arguments\": {\"a\": 1"]));

    [Fact]
    public void A_missing_end_tag_loses_no_call() =>
        Assert.Equal([ToolCallStart, ToolCallArguments, ToolCallEnd], Run(["<tool_calls>\n{\"name\": \"f\", \"arguments\": {}}\n"]).Select(delta => delta.Kind));

    [Fact]
    public void A_block_can_follow_a_broken_one() =>
        Assert.Equal(
            [Content, ToolCallStart, ToolCallArguments, ToolCallEnd],
            Run(["<tool_calls>\n<tool_calls>{\"name\": \"f\", \"arguments\": {}}</tool_calls>"]).Select(delta => delta.Kind));

    [Theory]
    [InlineData("01")]
    [InlineData("-")]
    [InlineData("1.e5")]
    [InlineData("1e")]
    [InlineData("tru")]
    [InlineData("nulL")]
    [InlineData("[1,]")]
    [InlineData("[1}")]
    [InlineData("\"\n\"")]
    [InlineData("\"\\x\"")]
    [InlineData("\"\\u12g4\"")]
    [InlineData("{\"k\" 1}")]
    [InlineData("{1: 2}")]
    public void Arguments_that_are_not_JSON_are_malformed(string value) =>
        Assert.Contains(ToolCallMalformed, Run([$"<tool_calls>{{\"name\": \"f\", \"arguments\": {{\"a\": {value}}}}}</tool_calls>"]).Select(delta => delta.Kind));

    [Theory]
    [InlineData("[0, -0, 10, -1.5, 2e9, 2E+9, 1.25e-7, true, false, null, \"\", \"\\\\\", {}, [ ], {\"x\" : {}}]")]
    [InlineData("0")]
    public void Arguments_that_are_JSON_pass(string value) =>
        Assert.Equal($"{{\"a\": {value}}}", ChatStreamParser.Parse($"<tool_calls>{{\"name\": \"f\", \"arguments\": {{\"a\": {value}}}}}</tool_calls>").ToolCalls![0].ArgumentsJson);

    [Theory]
    [InlineData("<")]
    [InlineData("<tool_calls>")]
    [InlineData("<tool_calls>{")]
    [InlineData("<tool_calls>{\"name\":\"f\",\"arguments\":{}}</tool_calls>")]
    [InlineData("[")]
    [InlineData(" ")]
    [InlineData("</think")]
    public void Hostile_repetition_takes_linear_time(string unit)
    {
        var text = "<tool_calls>{\"name\":\"f\",\"arguments\":{\"a\":" + string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
        var watch = Stopwatch.StartNew();
        Run([text]);
        Run(["<think>" + text]);
        Run(text.Chunk(3).Select(piece => new string(piece)));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }

    [Fact]
    public void Nothing_can_be_pushed_after_the_end()
    {
        var parser = new ChatStreamParser();
        parser.Finish([]);
        Assert.Throws<ObjectDisposedException>(() => parser.Push("x", []));
    }

    /// <summary>All events, with neighbours of one kind joined.</summary>
    private static List<ChatDelta> Run(IEnumerable<string> pieces, bool startsInReasoning = false)
    {
        var parser = new ChatStreamParser(startsInReasoning);
        var raw = new List<ChatDelta>();
        foreach (var piece in pieces)
        {
            parser.Push(piece, raw);
        }

        parser.Finish(raw);
        Assert.All(raw, delta => Assert.True(delta.Text.Length > 0 || delta.Kind is ToolCallEnd or ToolCallMalformed));
        var joined = new List<ChatDelta>();
        foreach (var run in raw.Aggregate(new List<List<ChatDelta>>(), Group))
        {
            joined.Add(run[0] with { Text = string.Concat(run.Select(delta => delta.Text)) });
        }

        return joined;
    }

    private static List<List<ChatDelta>> Group(List<List<ChatDelta>> runs, ChatDelta delta)
    {
        var joins = delta.Kind is Reasoning or Content or ToolCallArguments && runs.Count > 0 && runs[^1][0].Kind == delta.Kind && runs[^1][0].ToolIndex == delta.ToolIndex;
        if (joins)
        {
            runs[^1].Add(delta);
        }
        else
        {
            runs.Add([delta]);
        }

        return runs;
    }

    private static IEnumerable<string> Split(string text, int[] cuts)
    {
        for (int i = 0, at = 0; at < text.Length; i++)
        {
            var length = Math.Min(cuts[i % cuts.Length], text.Length - at);
            yield return text.Substring(at, length);
            at += length;
        }
    }
}
