using Microsoft.Data.Sqlite;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Tokens of a request.</summary>
/// <param name="Prompt">Prompt tokens, cached ones included.</param>
/// <param name="Cached">Prompt tokens that did not run again.</param>
/// <param name="Completion">Generated tokens, thinking included.</param>
/// <param name="Reasoning">Tokens of thinking.</param>
internal readonly record struct TokenUsage(int Prompt, int Cached, int Completion, int Reasoning);

/// <summary>Sum of the ledger for one key.</summary>
/// <remarks>Requests that run are included. Interrupted ones were cut off by a crash of the server. The cost is in 10⁻⁹ RMB.</remarks>
internal readonly record struct UsageTotal(
    long Requests, long Interrupted, long PromptTokens, long CachedTokens, long CompletionTokens, long ReasoningTokens, long CostNano);

/// <summary>
/// What each key used, in SQLite. A row is committed to disk when a request starts and again before its last byte is sent, so a crash loses no request
/// that was answered; of one that was cut off it keeps the prompt and the tokens up to the last <see cref="ProgressTokens"/>.
/// </summary>
internal sealed class UsageLedger : IDisposable
{
    /// <summary>A running request is brought up to date whenever this many more tokens were generated.</summary>
    public const int ProgressTokens = 256;

    private const string Schema = """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA busy_timeout = 5000;
        CREATE TABLE IF NOT EXISTS usage (
          id TEXT PRIMARY KEY, key TEXT NOT NULL, model TEXT NOT NULL, operation TEXT NOT NULL, state TEXT NOT NULL,
          started INTEGER NOT NULL, ended INTEGER,
          prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
          input_price_milli INTEGER NOT NULL, output_price_milli INTEGER NOT NULL);
        CREATE INDEX IF NOT EXISTS usage_key_started ON usage (key, started);
        UPDATE usage SET state = 'interrupted' WHERE state = 'open';
        """;

    private readonly SqliteConnection connection;
    private readonly Lock gate = new();
    private readonly TimeProvider time;

    private UsageLedger(SqliteConnection connection, TimeProvider time)
    {
        this.connection = connection;
        this.time = time;
    }

    /// <summary>Opens or creates the ledger; requests that a crash left open are marked interrupted.</summary>
    /// <param name="path">The file; null keeps the ledger in memory.</param>
    /// <param name="time">Clock of the rows.</param>
    /// <exception cref="InvalidInputException">The file cannot be opened or is no ledger.</exception>
    public static UsageLedger Open(string? path, TimeProvider time)
    {
        var text = new SqliteConnectionStringBuilder { DataSource = path ?? ":memory:", Pooling = false }.ToString();
        var connection = new SqliteConnection(text);
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = Schema;
            command.ExecuteNonQuery();
            return new UsageLedger(connection, time);
        }
        catch (SqliteException exception)
        {
            connection.Dispose();
            throw new InvalidInputException($"{path}: the ledger cannot be opened: {exception.Message} Name a writable SQLite file or a new one.", exception);
        }
    }

    /// <summary>A request starts.</summary>
    public void Begin(string id, string key, string model, string operation, int promptTokens, PriceTier price) => Execute(
        "INSERT INTO usage VALUES ($id, $key, $model, $operation, 'open', $now, NULL, $prompt, 0, 0, 0, $input, $output)",
        ("$id", id),
        ("$key", key),
        ("$model", model),
        ("$operation", operation),
        ("$now", Now),
        ("$prompt", promptTokens),
        ("$input", price.InputMilli),
        ("$output", price.OutputMilli));

    /// <summary>A request has come this far.</summary>
    public void Progress(string id, TokenUsage usage) => Update(id, usage, "open", ended: null);

    /// <summary>A request has ended.</summary>
    /// <param name="id">The request.</param>
    /// <param name="usage">Its tokens.</param>
    /// <param name="state"><c>done</c>, <c>cancelled</c> or <c>failed</c>.</param>
    public void End(string id, TokenUsage usage, string state) => Update(id, usage, state, Now);

    /// <summary>The sum for one key of the requests that started in a span of time.</summary>
    public UsageTotal Total(string key, DateTimeOffset from, DateTimeOffset to)
    {
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = """
                SELECT COUNT(*), COALESCE(SUM(state = 'interrupted'), 0), COALESCE(SUM(prompt_tokens), 0), COALESCE(SUM(cached_tokens), 0),
                  COALESCE(SUM(completion_tokens), 0), COALESCE(SUM(reasoning_tokens), 0),
                  COALESCE(SUM(prompt_tokens * input_price_milli + completion_tokens * output_price_milli), 0)
                FROM usage WHERE key = $key AND started >= $from AND started < $to
                """;
            command.Parameters.AddWithValue("$key", key);
            command.Parameters.AddWithValue("$from", from.ToUnixTimeMilliseconds());
            command.Parameters.AddWithValue("$to", to.ToUnixTimeMilliseconds());
            using var row = command.ExecuteReader();
            row.Read();
            return new UsageTotal(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => connection.Dispose();

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private void Update(string id, TokenUsage usage, string state, long? ended) => Execute(
        """
        UPDATE usage SET state = $state, ended = $ended, prompt_tokens = $prompt, cached_tokens = $cached, completion_tokens = $completion,
          reasoning_tokens = $reasoning WHERE id = $id
        """,
        ("$id", id),
        ("$state", state),
        ("$ended", (object?)ended ?? DBNull.Value),
        ("$prompt", usage.Prompt),
        ("$cached", usage.Cached),
        ("$completion", usage.Completion),
        ("$reasoning", usage.Reasoning));

    private void Execute(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var (name, value) in parameters)
            {
                command.Parameters.AddWithValue(name, value);
            }

            command.ExecuteNonQuery();
        }
    }
}
