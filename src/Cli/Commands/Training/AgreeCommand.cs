using System.CommandLine;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using Spectre.Console;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train agree</c>: probabilities of the engine against those of the trainer.</summary>
internal static class AgreeCommand
{
    private const int MostPromptTokens = 64;

    private const string Help = """
        Draws tokens with the engine in several precisions and computes their probabilities again with the trainer: Pearson's correlation of the
        probabilities, mean and largest difference of the log-probabilities. In RL such a difference is taken for a change of the policy.
        Prompts are the beginnings of the texts, or of the conversations up to the first answer, of --data; without it single random tokens.

        Example: minimax train agree my-run/checkpoints/step-00000800 --data my-run/data/number-lines.jsonl
        """;

    private static readonly Argument<string> model = new("MODEL") { Description = "Folder of the model." };
    private static readonly Option<string?> data = new("--data") { Description = "JSON lines or Parquet file with text or messages.", HelpName = "FILE" };
    private static readonly Option<int> tokens = new("--tokens") { Description = "Least number of tokens that each engine draws.", DefaultValueFactory = _ => 10_000 };
    private static readonly Option<int> length = new("--answer-tokens") { Description = "Most tokens of an answer.", DefaultValueFactory = _ => 256 };
    private static readonly Option<ulong> seed = new("--seed") { Description = "Of prompts and draws.", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
    private static readonly Option<bool> json = new("--json") { Description = "Print one JSON array." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("agree", Help) { model, data, tokens, length, seed, threads, json };
        command.SetAction((parsed, cancellationToken) => Task.Run(() => Run(parsed, cancellationToken), cancellationToken));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(tokens) < 1 || parsed.GetValue(length) < 1 || parsed.GetValue(threads) < 0)
        {
            throw new InvalidInputException("--tokens and --answer-tokens must be at least 1, --threads not negative.");
        }

        var folder = parsed.GetRequiredValue(model);
        var options = new AgreementOptions
        {
            Tokens = parsed.GetValue(tokens),
            AnswerTokens = parsed.GetValue(length),
            Seed = parsed.GetValue(seed),
            Threads = parsed.GetValue(threads),
            Prompts = parsed.GetValue(data) is { } file ? Prompts(file, Tokenizer.Load(folder)) : [],
        };
        var error = parsed.InvocationConfiguration.Error;
        var rows = AgreementCheck.Run(folder, options, row => error.WriteLine(Invariant($"{row.Engine} against {row.Trainer}: {row.Tokens:N0} tokens")), cancellationToken);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(json))
        {
            output.WriteLine(new JsonArray([.. rows.Select(ToJson)]).ToJsonString());
        }
        else
        {
            TextTerminal.On(output).Write(ToTable(rows));
        }

        return 0;
    }

    private static JsonNode ToJson(AgreementRow row) => new JsonObject
    {
        ["engine"] = row.Engine,
        ["trainer"] = row.Trainer,
        ["tokens"] = row.Tokens,
        ["pearson_correlation"] = row.Correlation,
        ["mean_abs_delta_logprob"] = row.MeanDelta,
        ["max_abs_delta_logprob"] = row.MaxDelta,
    };

    private static Table ToTable(IReadOnlyList<AgreementRow> rows)
    {
        var table = new Table().Border(TableBorder.Markdown).AddColumns("engine", "trainer");
        foreach (var heading in new[] { "tokens", "correlation", "mean abs. Δ log p", "largest" })
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Engine, row.Trainer, Invariant($"{row.Tokens:N0}"), Invariant($"{row.Correlation:F8}"), Invariant($"{row.MeanDelta:E1}"), Invariant($"{row.MaxDelta:E1}"));
        }

        return table;
    }

    private static List<int[]> Prompts(string path, Tokenizer tokenizer)
    {
        using var records = RecordFile.Open(path);
        var prompts = new List<int[]>();
        for (var record = 0L; record < Math.Min(records.Count, 1024); record++)
        {
            var (fields, place) = (records.Read(record), records.Place(record));
            var ids = fields.TryGetProperty("messages", out _) ? Question(fields, place, tokenizer) : tokenizer.Encode(RecordText.Of(fields, null, place));
            var prompt = fields.TryGetProperty("messages", out _) ? ids : ids[..Math.Min((ids.Length + 1) / 2, MostPromptTokens)];
            if (prompt.Length > 0)
            {
                prompts.Add(prompt);
            }
        }

        return prompts.Count > 0 ? prompts : throw new InvalidInputException($"{path} holds no text. Give a file with records.");
    }

    private static int[] Question(System.Text.Json.JsonElement fields, string place, Tokenizer tokenizer)
    {
        var question = RecordText.Messages(fields, place).TakeWhile(static message => message.Role != "assistant").ToList();
        return ChatTokenizer.Tokenize(ChatRenderer.Render(new Conversation(question), ChatDialect.Repaired), tokenizer).Ids;
    }
}
