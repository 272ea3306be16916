using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

public sealed class PackedBatchesTests : IDisposable
{
    private static readonly Tokenizer tokenizer = Tokenizer.Load(RandomTiny.Folder);
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-batches-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Texts_fill_every_batch_exactly_and_are_cut_where_a_sequence_ends()
    {
        var source = Texts(40);
        using var batches = new PackedBatches([source], 3, Reader(DocumentKind.Text));
        using var order = new DataMixture([source], 3);
        var stream = Enumerable.Range(0, 60).SelectMany(_ => Reader(DocumentKind.Text).Read(order.Next()).Ids).ToList();
        var place = 0;
        for (var batch = 0; batch < 10; batch++)
        {
            var (documents, targets) = batches.Next(50, 16);
            Assert.Equal(stream.Skip(place).Take(50), documents.Ids);
            place += 50;
            Assert.All(documents.Boundaries.Zip(documents.Boundaries.Skip(1)), piece => Assert.InRange(piece.Second - piece.First, 1, 16));
            Assert.All([0, 16, 32, 48, 50], end => Assert.Contains(end, documents.Boundaries));
            Assert.Equal(documents.NextTokens(), targets);
        }
    }

    [Fact]
    public void Only_the_turns_of_the_assistant_are_predicted_and_conversations_stay_whole()
    {
        using var batches = new PackedBatches([Chats(30)], 3, Reader(DocumentKind.Chat));
        for (var i = 0; i < 5; i++)
        {
            var batch = batches.Next(600, 200);
            Assert.InRange(batch.Documents.Count, 400, 600);
            for (var d = 0; d < batch.Documents.Boundaries.Length - 1; d++)
            {
                var range = batch.Documents.Boundaries[d]..batch.Documents.Boundaries[d + 1];
                var text = tokenizer.Decode(batch.Documents.Ids[range]);
                var learnt = tokenizer.Decode([.. batch.Targets[range].Where(static id => id >= 0)]);
                Assert.Matches("^<begin_of_document><beginning_of_sentence>user name=user\n", text);
                Assert.Matches("^<think>\nwell \\d+\n</think>\n\nanswer \\d+ <end_of_sentence>$|^answer", learnt);
                Assert.EndsWith(learnt, text.TrimEnd('\n'), StringComparison.Ordinal);
                Assert.DoesNotContain("question", learnt, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_cursor_gives_the_very_next_batch() => Gen.Select(Gen.Int[0, 7], Gen.Bool, Gen.Int[40, 300], Gen.Int[8, 200]).Sample(
        (taken, chat, tokens, length) =>
        {
            var (source, reader) = chat ? (Chats(12), Reader(DocumentKind.Chat, 0.2)) : (Texts(12), Reader(DocumentKind.Text, 0.2));
            (tokens, length) = chat ? (tokens + 150, length + 150) : (tokens, length);
            using var batches = new PackedBatches([source], 5, reader);
            for (var i = 0; i < taken; i++)
            {
                batches.Next(tokens, length);
            }

            var cursor = JsonNode.Parse(batches.Cursor.ToJsonString())!.AsObject();
            using var resumed = new PackedBatches([source], 5, reader, cursor);
            for (var i = 0; i < 3; i++)
            {
                var (expected, actual) = (batches.Next(tokens, length), resumed.Next(tokens, length));
                Assert.Equal(expected.Documents.Ids, actual.Documents.Ids);
                Assert.Equal(expected.Documents.Boundaries, actual.Documents.Boundaries);
                Assert.Equal(expected.Targets, actual.Targets);
            }

            Assert.Equal(batches.Cursor.ToJsonString(), resumed.Cursor.ToJsonString());
        },
        iter: 60);

    [Fact]
    public void Long_conversations_and_those_without_an_answer_are_dropped_and_counted()
    {
        var path = Path.Combine(folder, "mixed.jsonl");
        File.WriteAllLines(path, [Chat(1), Chat(2, new string('x', 900)), """{"messages":[{"role":"user","content":"alone"}]}""", Chat(3)]);
        using var batches = new PackedBatches([new DataSource("mixed", [path])], 1, Reader(DocumentKind.Chat));
        for (var i = 0; i < 4; i++)
        {
            batches.Next(300, 300);
        }

        Assert.True(batches.TooLong > 0 && batches.WithoutLoss > 0);
        var error = Assert.Throws<InvalidInputException>(() => batches.Next(20, 20));
        Assert.Contains("None of the 4 records can be used", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_completion_goes_on_in_the_midst_of_an_answer_and_alone_counts()
    {
        var asked = ChatRenderer.Render(new Conversation([ChatMessage.User("7+8?")]), ChatDialect.Repaired, ReasoningHistory.Keep).Text + "<think>\n";
        const string Thought = "7 + 8 = 15\n</think>\n\n15";
        var completed = Read(new JsonObject { ["prompt"] = asked, ["completion"] = Thought });
        var chat = Read(JsonNode.Parse("""{"messages":[{"role":"user","content":"7+8?"},{"role":"assistant","reasoning_content":"7 + 8 = 15","content":"15"}]}""")!);
        Assert.Equal(tokenizer.Decode(chat.Ids).TrimEnd('\n'), tokenizer.Decode(completed.Ids));
        Assert.Equal(Thought + "<end_of_sentence>", tokenizer.Decode([.. completed.Ids.Where((_, i) => completed.LossMask[i])]));
        Assert.Equal(asked + Thought, RecordText.Of(JsonSerializer.SerializeToElement(new { prompt = asked, completion = Thought }), null, "here"));

        static TrainingDocument Read(JsonNode record) => Reader(DocumentKind.Chat).Read(new DrawnRecord(0, "here", JsonSerializer.SerializeToElement(record)));
    }

    [Theory]
    [InlineData(DocumentKind.Text)]
    [InlineData(DocumentKind.Chat)]
    public void A_held_out_record_is_evaluated_on_once_and_never_trained_on(DocumentKind kind)
    {
        var source = kind == DocumentKind.Text ? Texts(200) : Chats(200);
        var reader = Reader(kind, 0.3);
        var evaluated = Documents(PackedBatches.ForEvaluation([source], reader, heldOutOnly: true, 1_000_000, 500, 300)).ToList();
        using var batches = new PackedBatches([source], 1, reader);
        var trained = Documents(Enumerable.Range(0, 300).Select(_ => batches.Next(300, 300))).ToHashSet();
        Assert.InRange(evaluated.Count, 30, 90);
        Assert.Equal(evaluated.Count, evaluated.Distinct().Count());
        Assert.DoesNotContain(evaluated, trained.Contains);
        Assert.Equal(200, PackedBatches.ForEvaluation([source], reader, heldOutOnly: false, 1_000_000, 500, 300).Sum(static batch => batch.Documents.Boundaries.Length - 1));
    }

    private static DocumentReader Reader(DocumentKind kind, double heldOutShare = 0) => new(tokenizer, kind, heldOutShare);

    private static IEnumerable<string> Documents(IEnumerable<TrainingBatch> batches) => batches.SelectMany(static batch => Enumerable
        .Range(0, batch.Documents.Boundaries.Length - 1)
        .Select(i => string.Join(' ', batch.Documents.Ids[batch.Documents.Boundaries[i]..batch.Documents.Boundaries[i + 1]])));

    private static string Chat(int n, string more = "") => new JsonObject
    {
        ["messages"] = new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = $"question {n} {more}" },
            n % 2 == 0
                ? new JsonObject { ["role"] = "assistant", ["content"] = $"answer {n} " }
                : new JsonObject { ["role"] = "assistant", ["reasoning_content"] = $"well {n}", ["content"] = $"answer {n} " }),
    }.ToJsonString();

    private DataSource Texts(int count) => Write("texts", Enumerable.Range(0, count).Select(i => $$"""{"text":"text {{i}}{{new string('.', i % 9)}} and {{i * i}}"}"""));

    private DataSource Chats(int count) => Write("chats", Enumerable.Range(0, count).Select(static i => Chat(i)));

    private DataSource Write(string name, IEnumerable<string> lines)
    {
        var path = Path.Combine(folder, $"{name}.jsonl");
        File.WriteAllLines(path, lines);
        return new DataSource(name, [path]);
    }
}
