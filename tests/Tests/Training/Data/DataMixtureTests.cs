using CsCheck;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using Parquet;
using Parquet.Schema;

namespace MiniMaxSharp.Tests;

public sealed class DataMixtureTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("data").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void An_epoch_has_every_record_once_in_another_order_each_time()
    {
        using var data = new DataMixture([new DataSource("a", [Lines("a.jsonl", 0, 37), Lines("b.jsonl", 37, 100)])], seed: 5);
        var first = Draw(data, 100);
        var second = Draw(data, 100);
        Assert.Equal(Enumerable.Range(0, 100), first.Order());
        Assert.Equal(Enumerable.Range(0, 100), second.Order());
        Assert.NotEqual(first, second);
        Assert.NotEqual(Enumerable.Range(0, 100), first);
    }

    [Fact]
    public void A_cursor_goes_on_with_the_very_next_record()
    {
        DataSource[] sources = [new("a", [Lines("a.jsonl", 0, 50)], 3), new("b", [Lines("b.jsonl", 1000, 1007)])];
        using var whole = new DataMixture(sources, seed: 9);
        var all = Draw(whole, 400);
        Gen.Int[0, 399].Sample(
            cut =>
            {
                using var before = new DataMixture(sources, seed: 9);
                var start = Draw(before, cut);
                using var after = new DataMixture(sources, seed: 9, before.Cursor);
                Assert.Equal(all, start.Concat(Draw(after, 400 - cut)));
            },
            iter: 20);
    }

    [Fact]
    public void Sources_are_drawn_by_weight()
    {
        using var data = new DataMixture([new("a", [Lines("a.jsonl", 0, 10)], 3), new("b", [Lines("b.jsonl", 10, 20)], 1)], seed: 1);
        var share = Draw(data, 8000).Count(number => number < 10) / 8000.0;
        Assert.InRange(share, 0.73, 0.77);
    }

    [Fact]
    public async Task Parquet_files_give_their_rows_and_nulls()
    {
        var path = Path.Combine(folder, "x.parquet");
        DataField number = new DataField<int>("n"), text = new DataField<string>("text"), score = new DataField<double?>("score");
        await using (var stream = File.Create(path))
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(number, text, score), stream, cancellationToken: TestContext.Current.CancellationToken))
        {
            for (var group = 0; group < 3; group++)
            {
                using var rows = writer.CreateRowGroup();
                await rows.WriteAsync<int>(number, Enumerable.Range(group * 10, 10).ToArray(), cancellationToken: TestContext.Current.CancellationToken);
                await rows.WriteAsync(text, Enumerable.Range(group * 10, 10).Select(i => $"text {i} 中").ToArray());
                await rows.WriteAsync<double>(score, Enumerable.Range(0, 10).Select(i => i == 3 ? (double?)null : i / 4.0).ToArray(), cancellationToken: TestContext.Current.CancellationToken);
            }
        }

        using var file = RecordFile.Open(path);
        Assert.Equal(30, file.Count);
        Assert.Equal("text 17 中", file.Read(17).GetProperty("text").GetString());
        Assert.Equal(1.75, file.Read(27).GetProperty("score").GetDouble());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, file.Read(13).GetProperty("score").ValueKind);
        using var data = new DataMixture([new DataSource("p", [path])], seed: 2);
        Assert.Equal(Enumerable.Range(0, 30), Draw(data, 30).Order());
    }

    [Fact]
    public void Blank_lines_and_a_missing_line_end_are_fine_and_a_broken_line_is_named()
    {
        var path = Path.Combine(folder, "x.jsonl");
        File.WriteAllText(path, "{\"n\":1}\r\n\r\n{\"n\":2}\n   \n{\"n\":");
        using var file = RecordFile.Open(path);
        Assert.Equal(3, file.Count);
        Assert.Equal(2, file.Read(1).GetProperty("n").GetInt32());
        Assert.Contains("x.jsonl:5", Assert.Throws<InvalidInputException>(() => file.Read(2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_sources_are_refused()
    {
        File.WriteAllText(Path.Combine(folder, "empty.jsonl"), "\n");
        Assert.Throws<InvalidInputException>(() => new DataMixture([new DataSource("e", [Path.Combine(folder, "empty.jsonl")])], 0));
        Assert.Throws<InvalidInputException>(() => new DataMixture([new DataSource("m", [Path.Combine(folder, "missing.jsonl")])], 0));
        Assert.Throws<InvalidInputException>(() => new DataMixture([new DataSource("w", [Lines("a.jsonl", 0, 1)], -1)], 0));
        File.WriteAllText(Path.Combine(folder, "bad.parquet"), "no parquet");
        Assert.Throws<InvalidInputException>(() => RecordFile.Open(Path.Combine(folder, "bad.parquet")));
    }

    [Fact]
    public void A_permutation_has_every_number_once() => Gen.Select(Gen.ULong, Gen.Int[1, 300]).Sample((seed, count) =>
    {
        var order = new SeededPermutation(seed, count);
        Assert.Equal(Enumerable.Range(0, count), Enumerable.Range(0, count).Select(i => (int)order[i]).Order());
    });

    private string Lines(string name, int from, int to)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllLines(path, Enumerable.Range(from, to - from).Select(i => $"{{\"n\":{i}}}"));
        return path;
    }

    private static List<int> Draw(DataMixture data, int count) => [.. Enumerable.Range(0, count).Select(_ => data.Next().Fields.GetProperty("n").GetInt32())];
}
