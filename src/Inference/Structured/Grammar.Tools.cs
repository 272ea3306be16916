using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>A tool whose calls are held to a schema.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">JSON Schema of the arguments; null allows any object.</param>
public sealed record GrammarTool(string Name, JsonElement? Parameters);

/// <content>
/// Calls of tools in the format of the model: <c>&lt;tool_calls&gt;</c>, one object <c>{"name": …, "arguments": {…}}</c> a line, <c>&lt;/tool_calls&gt;</c>.
/// </content>
public sealed partial class Grammar
{
    private const string CallsTag = "<tool_calls>";
    private const string EndCallsTag = "</tool_calls>";
    private const int MaxParallelCalls = 64;

    /// <summary>At least one call of one of the tools, and nothing else. With one tool in the list this is the named choice.</summary>
    /// <param name="tools">The tools that may be called.</param>
    /// <param name="parallel">False: exactly one call.</param>
    /// <exception cref="InvalidInputException">There is no tool, or a schema is refused; the message names its path.</exception>
    public static Grammar ToolCallsRequired(IReadOnlyList<GrammarTool> tools, bool parallel = true) => Build(
        (graph, budget) =>
        {
            var rule = graph.AddRule();
            var (start, end) = graph.Rules[rule];
            AddCalls(graph, budget, graph.AddText(start, CallsTag), end, tools, parallel);
            return rule;
        },
        "tools");

    /// <summary>Free text in which <c>&lt;tool_calls&gt;</c> begins calls of the tools; the turn ends behind them.</summary>
    /// <param name="tools">The tools that may be called.</param>
    /// <param name="parallel">False: at most one call.</param>
    /// <exception cref="InvalidInputException">There is no tool, or a schema is refused; the message names its path.</exception>
    public static Grammar ToolCallsAllowed(IReadOnlyList<GrammarTool> tools, bool parallel = true) => Build(
        (graph, budget) =>
        {
            var rule = graph.AddRule();
            var (start, end) = graph.Rules[rule];
            var text = graph.AddState();
            graph.AddEmpty(start, text);
            AddCalls(graph, budget, FreeText.AddUntil(graph, text, CallsTag, end), end, tools, parallel);
            return rule;
        },
        "tools");

    /// <summary>JSON as the answer, or calls of tools instead of it.</summary>
    /// <param name="schema">JSON Schema of the answer; null allows any object.</param>
    /// <param name="tools">The tools that may be called.</param>
    /// <param name="parallel">False: at most one call.</param>
    /// <exception cref="InvalidInputException">There is no tool, or a schema is refused; the message names its path.</exception>
    public static Grammar JsonOrToolCalls(JsonElement? schema, IReadOnlyList<GrammarTool> tools, bool parallel = true) => Build(
        (graph, budget) =>
        {
            var json = new JsonGraph(graph, JsonWhitespace.Limited);
            var answer = schema is { } given
                ? ReadingKeys("$", () => SchemaCompiler.Compile(graph, json, budget, new SchemaPart(given, "$")))
                : json.AnyObject();
            var rule = graph.AddRule();
            var (start, end) = graph.Rules[rule];
            graph.AddEmpty(graph.AddCall(start, answer), end);
            AddCalls(graph, budget, graph.AddText(start, CallsTag), end, tools, parallel);
            return rule;
        },
        "$");

    /// <summary>The same for the text of a schema.</summary>
    /// <exception cref="InvalidInputException">As above, or the text is no JSON.</exception>
    public static Grammar JsonOrToolCalls(string schema, IReadOnlyList<GrammarTool> tools, bool parallel = true) =>
        OfSchemaText(schema, element => JsonOrToolCalls(element, tools, parallel));

    private static void AddCalls(PushdownGraph graph, CompileBudget budget, int from, int end, IReadOnlyList<GrammarTool> tools, bool parallel)
    {
        if (tools.Count == 0)
        {
            throw new InvalidInputException("tools: give at least one tool.");
        }

        // Each call is a line of its own.
        var json = new JsonGraph(graph, JsonWhitespace.OneLine);
        var call = AddCallRule(graph, budget, json, tools);
        var line = graph.AddText(from, "\n");
        var behind = graph.AddCall(line, call);
        var next = graph.AddState();
        graph.AddByte(behind, '\n', '\n', next);
        graph.AddEmpty(graph.AddText(next, EndCallsTag), end);
        if (parallel)
        {
            var more = graph.AddState();
            graph.AddEmpty(next, new EmptyEdge(more, 0, MaxParallelCalls - 2, Counts: true, Cap: MaxParallelCalls));
            graph.AddEmpty(more, line);
        }
    }

    private static int AddCallRule(PushdownGraph graph, CompileBudget budget, JsonGraph json, IReadOnlyList<GrammarTool> tools)
    {
        var rule = graph.AddRule();
        var (start, end) = graph.Rules[rule];
        for (var i = 0; i < tools.Count; i++)
        {
            var where = $"$.tools[{i}].parameters";
            graph.Where = where;
            var name = Encoding.UTF8.GetString(StrictUtf8(tools[i].Name, $"$.tools[{i}].name"));
            var arguments = tools[i].Parameters is { } schema
                ? ReadingKeys(where, () => SchemaCompiler.Compile(graph, json, budget, new SchemaPart(schema, where), onlyObjects: true))
                : json.AnyObject();
            var key = graph.AddText(start, $"{{\"name\": {JsonGraph.Quote(name)}, \"arguments\": ");
            graph.AddByte(graph.AddCall(key, arguments), '}', '}', end);
        }

        return rule;
    }
}
