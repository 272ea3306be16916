using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>One request of a load.</summary>
/// <param name="Arrival">When it is sent, from the start; null: as soon as a client is free.</param>
/// <param name="Prompt">Token ids.</param>
/// <param name="MaxTokens">Length of the answer.</param>
internal sealed record LoadRequest(TimeSpan? Arrival, int[] Prompt, int MaxTokens);

/// <summary>Lengths from least to most, all equally likely.</summary>
internal readonly record struct LengthRange(int Least, int Most)
{
    /// <summary>Reads <c>128</c> or <c>64-256</c>.</summary>
    /// <exception cref="InvalidInputException">It is neither, or below 1.</exception>
    public static LengthRange Parse(string text, string option)
    {
        var parts = text.Split('-');
        return parts.Length <= 2 && int.TryParse(parts[0], out var least) && int.TryParse(parts[^1], out var most) && least >= 1 && most >= least
            ? new LengthRange(least, most)
            : throw new InvalidInputException($"{option} is \"{text}\"; give a number of tokens such as 128, or a range such as 64-256.");
    }

    /// <summary>A length.</summary>
    public int Draw(Random random) => random.Next(Least, Most + 1);
}

/// <summary>The requests of a load: the same for the same seed, whatever the server does.</summary>
internal sealed record LoadShape
{
    /// <summary>Number of requests.</summary>
    public required int Requests { get; init; }

    /// <summary>Requests per second that arrive by a Poisson process, whether or not earlier ones are answered; null: a closed loop.</summary>
    public double? Rate { get; init; }

    /// <summary>Tokens of a prompt.</summary>
    public LengthRange PromptTokens { get; init; } = new(128, 128);

    /// <summary>Tokens of an answer.</summary>
    public LengthRange GeneratedTokens { get; init; } = new(64, 64);

    /// <summary>Prompts are ids below this.</summary>
    public int Vocabulary { get; init; } = 256;

    /// <summary>Of arrivals, lengths and prompts.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>All requests in the order in which they are sent.</summary>
    public IReadOnlyList<LoadRequest> Create()
    {
        var random = new Random(Seed);
        var requests = new LoadRequest[Requests];
        var arrival = 0.0;
        for (var i = 0; i < requests.Length; i++)
        {
            arrival += Rate is { } rate ? -Math.Log(1 - random.NextDouble()) / rate : 0; // Exponential gaps make a Poisson process.
            var prompt = new int[PromptTokens.Draw(random)];
            for (var t = 0; t < prompt.Length; t++)
            {
                prompt[t] = random.Next(Vocabulary);
            }

            requests[i] = new LoadRequest(Rate is null ? null : TimeSpan.FromSeconds(arrival), prompt, GeneratedTokens.Draw(random));
        }

        return requests;
    }
}
