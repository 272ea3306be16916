using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>Where in an answer the text of a grammar begins.</summary>
public enum GrammarStart
{
    /// <summary>The model may think first: <c>&lt;think&gt;</c>, anything, <c>&lt;/think&gt;</c>, up to two line ends.</summary>
    MayThink,

    /// <summary>The prompt ended inside the thinking.</summary>
    Thinking,

    /// <summary>At once.</summary>
    Content,
}

/// <summary>
/// A language that an answer is held to, as a pushdown automaton over bytes. Made once from a schema, an expression or a list, then shared by any number
/// of generations; safe for many threads. Every text it lets through is valid UTF-8 and can be completed.
/// </summary>
public sealed partial class Grammar
{
    /// <summary>Longest schema, in bytes.</summary>
    public const int MaxSchemaBytes = 1 << 20;

    private const int MaxSchemaDepth = 256;

    private readonly Lock gate = new();
    private readonly PushdownAutomaton automaton;
    private readonly Dictionary<GrammarStart, int> starts;
    private GrammarTables? tables;

    private Grammar(PushdownAutomaton automaton, Dictionary<GrammarStart, int> starts)
    {
        this.automaton = automaton;
        this.starts = starts;
    }

    /// <summary>
    /// JSON that fits a schema (draft 2020-12; the keywords that are followed stand in docs/structured-output.md). Properties come in the declared order.
    /// <c>oneOf</c> is read as <c>anyOf</c>. Where <c>additionalProperties</c> is absent, an object that declares properties has no others.
    /// </summary>
    /// <exception cref="InvalidInputException">The schema is malformed, uses an unsupported keyword, is too large, or no value fits it; the message names the path.</exception>
    public static Grammar FromJsonSchema(JsonElement schema, JsonWhitespace whitespace = JsonWhitespace.Limited) =>
        Build((graph, budget) => ReadingKeys("$", () => SchemaCompiler.Compile(graph, new JsonGraph(graph, whitespace), budget, new SchemaPart(schema, "$"))), "$");

    /// <summary>The same for the text of a schema.</summary>
    /// <exception cref="InvalidInputException">As above, or the text is no JSON.</exception>
    public static Grammar FromJsonSchema(string schema, JsonWhitespace whitespace = JsonWhitespace.Limited) =>
        OfSchemaText(schema, element => FromJsonSchema(element, whitespace));

    /// <summary>Any JSON object.</summary>
    public static Grammar AnyJsonObject(JsonWhitespace whitespace = JsonWhitespace.Limited) =>
        Build((graph, _) => new JsonGraph(graph, whitespace).AnyObject(), "json_object");

    /// <summary>Texts that a regular expression matches as a whole.</summary>
    /// <exception cref="InvalidInputException">The expression is malformed, not regular, too large, or matches nothing.</exception>
    public static Grammar FromRegex(string pattern) => Build(
        (graph, budget) =>
        {
            var dfa = ByteDfa.Of(RegexParser.Parse(pattern, "regex"), ByteForm.Utf8, budget, "regex")
                ?? throw new InvalidInputException("regex: the pattern matches no text.");
            var rule = graph.AddRule();
            graph.AddEmpty(graph.AddDfa(graph.Rules[rule].Start, dfa), graph.Rules[rule].End);
            return rule;
        },
        "regex");

    /// <summary>One of these texts.</summary>
    /// <exception cref="InvalidInputException">There is none, or half a surrogate pair in one.</exception>
    public static Grammar FromChoices(IReadOnlyList<string> choices)
    {
        if (choices.Count == 0)
        {
            throw new InvalidInputException("choice: give at least one text.");
        }

        return Build(
            (graph, _) =>
            {
                var rule = graph.AddRule();
                foreach (var choice in choices)
                {
                    graph.AddEmpty(graph.AddText(graph.Rules[rule].Start, StrictUtf8(choice, "choice")), graph.Rules[rule].End);
                }

                return rule;
            },
            "choice");
    }

    /// <summary>Starts to follow a generation.</summary>
    /// <param name="trie">The vocabulary. One at a time: another one makes the grammar forget what it found out with the last.</param>
    /// <param name="endIds">Tokens that end a turn; allowed where the text can end.</param>
    /// <param name="start">Where the generation stands.</param>
    public GrammarMatcher CreateMatcher(TokenTrie trie, IReadOnlyCollection<int> endIds, GrammarStart start = GrammarStart.Content)
    {
        lock (gate)
        {
            tables = ReferenceEquals(tables?.Trie, trie) ? tables : new GrammarTables(automaton, trie);
            return new GrammarMatcher(tables, starts[start], endIds);
        }
    }

    private static Grammar OfSchemaText(string schema, Func<JsonElement, Grammar> make)
    {
        if (Encoding.UTF8.GetByteCount(schema) > MaxSchemaBytes)
        {
            throw new InvalidInputException($"$: the schema is longer than {MaxSchemaBytes:N0} bytes. Make it smaller.");
        }

        try
        {
            using var document = JsonDocument.Parse(schema, new JsonDocumentOptions { MaxDepth = MaxSchemaDepth });
            return make(document.RootElement);
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"$: the schema is not valid JSON, or nested deeper than {MaxSchemaDepth}: {exception.Message}", exception);
        }
    }

    private static byte[] StrictUtf8(string text, string where)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(text);
        }
        catch (EncoderFallbackException exception)
        {
            throw new InvalidInputException($"{where}: half a surrogate pair in \"{text}\".", exception);
        }
    }

    /// <summary>Reads a schema; System.Text.Json throws <see cref="InvalidOperationException"/> for a string with half a surrogate pair.</summary>
    private static int ReadingKeys(string where, Func<int> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidInputException($"{where}: a string of the schema escapes half a character (a lone surrogate). Escape both halves.", exception);
        }
    }

    private static Grammar Build(Func<PushdownGraph, CompileBudget, int> addRule, string where)
    {
        var budget = new CompileBudget();
        var graph = new PushdownGraph(budget) { Where = where };
        var body = addRule(graph, budget);
        var root = graph.AddRule();
        var starts = AddStarts(graph, graph.Rules[root].Start, graph.Rules[root].End, body);
        var automaton = PushdownAutomaton.Of(graph, root)
            ?? throw new InvalidInputException($"{where}: no text fits, or only one that is nested deeper than {PushdownAutomaton.MaxDepth}. Look for contradictions and endless recursion.");
        return new Grammar(automaton, starts);
    }

    /// <summary>Adds the ways into the body; <paramref name="start"/> is the one without thinking.</summary>
    private static Dictionary<GrammarStart, int> AddStarts(PushdownGraph graph, int start, int end, int body)
    {
        graph.AddEmpty(graph.AddCall(start, body), end);

        // The parser of the answer drops line ends behind the thinking.
        var thinking = graph.AddState();
        var behind = FreeText.AddUntil(graph, thinking, "</think>");
        for (var i = 0; i < 2; i++)
        {
            graph.AddEmpty(behind, start);
            var next = graph.AddState();
            graph.AddByte(behind, '\n', '\n', next);
            behind = next;
        }

        graph.AddEmpty(behind, start);
        var mayThink = graph.AddState();
        graph.AddEmpty(mayThink, start);
        graph.AddEmpty(graph.AddText(mayThink, "<think>"), thinking);
        return new() { [GrammarStart.Content] = start, [GrammarStart.Thinking] = thinking, [GrammarStart.MayThink] = mayThink };
    }
}
