using System.Text.Json.Nodes;

namespace MiniMaxSharp.Training;

/// <summary>
/// The staged limit of answers (report 5: 40K, 48K, …, 80K). It advances when both indicators say so: the perplexity of what is generated has converged, and
/// the 99th percentile of lengths nears the limit.
/// </summary>
/// <param name="windows">The limits in order.</param>
public sealed class OutputWindow(IReadOnlyList<int> windows)
{
    private const int History = 10;
    private const double Converged = 0.02;
    private const double Near = 0.9;
    private readonly List<double> perplexities = [];
    private int stage;

    /// <summary>The limit of now.</summary>
    public int Tokens => windows[stage];

    /// <summary>Change of the mean perplexity between the older and the newer half of the last ten steps of this stage; 1 until there are ten.</summary>
    public double PerplexityChange { get; private set; } = 1;

    /// <summary>99th percentile of the lengths of the last step over the limit.</summary>
    public double LengthShare { get; private set; }

    /// <summary>Takes the answers of a step.</summary>
    /// <param name="lengths">Lengths of all answers.</param>
    /// <param name="meanLogprob">Mean log-probability of all their tokens.</param>
    /// <returns>True when the window has just advanced.</returns>
    public bool Observe(IReadOnlyList<int> lengths, double meanLogprob)
    {
        LengthShare = lengths.Order().ElementAt((int)((lengths.Count - 1) * 0.99)) / (double)Tokens;
        perplexities.Add(Math.Exp(-meanLogprob));
        if (perplexities.Count > History)
        {
            perplexities.RemoveAt(0);
        }

        var (older, newer) = (perplexities.Take(History / 2).Average(), perplexities.TakeLast(History / 2).Average());
        PerplexityChange = perplexities.Count < History ? 1 : Math.Abs((newer / older) - 1);
        if (PerplexityChange > Converged || LengthShare < Near || stage == windows.Count - 1)
        {
            return false;
        }

        stage++;
        perplexities.Clear();
        return true;
    }

    /// <summary>For a checkpoint.</summary>
    public JsonObject Save() => new()
    {
        ["stage"] = stage,
        ["perplexities"] = new JsonArray([.. perplexities.Select(static value => (JsonNode)value)]),
    };

    /// <summary>What <see cref="Save"/> gave.</summary>
    public void Restore(JsonObject state)
    {
        stage = Math.Min((int)state["stage"]!, windows.Count - 1);
        perplexities.Clear();
        perplexities.AddRange(state["perplexities"]!.AsArray().Select(static value => (double)value!));
    }
}
