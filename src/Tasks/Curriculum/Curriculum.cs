using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// Chooses prompts: the environment by weight, its level by how well the policy does there. A prompt follows from the seed, its step and
/// number, and what was recorded before, not from the order of the draws; the state survives JSON, so that a resumed run goes on with the
/// same prompts.
/// </summary>
public sealed class Curriculum
{
    private const int MostTries = 5_000;

    private readonly CurriculumEntry[] entries;
    private readonly CurriculumOptions options;
    private readonly Progress[] progress;
    private readonly SortedSet<string> mastered = new(StringComparer.Ordinal);

    /// <summary>A curriculum at its start.</summary>
    /// <exception cref="InvalidInputException">An entry has an unknown name, or a level or weight out of range.</exception>
    public Curriculum(IReadOnlyList<CurriculumEntry> entries, CurriculumOptions options)
    {
        this.entries = [.. entries];
        this.options = options;
        foreach (var entry in entries)
        {
            var most = EnvironmentPrompt.MaxLevel(entry.Name);
            Require(entry.Level >= 1 && entry.Level <= (entry.MaxLevel ?? most) && (entry.MaxLevel ?? most) <= most, $"{entry.Name}: levels {entry.Level} to {entry.MaxLevel ?? most}; give levels from 1 to {most}.");
            Require(double.IsFinite(entry.Weight) && entry.Weight >= 0 && entry.From >= 0 && entry.Ramp >= 0, $"{entry.Name}: weight {entry.Weight}, from {entry.From}, ramp {entry.Ramp}; give numbers of 0 or more.");
        }

        Require(entries.Any(entry => entry.From == 0 && entry.Weight > 0), "no entry of the curriculum can give the first prompt; give one of them from step 0 and a weight above 0.");
        Require(options.Window >= 1 && options.RaiseAt is > 0 and <= 1, $"window {options.Window}, raise at {options.RaiseAt}; give a window of 1 or more and a bound above 0 and at most 1.");
        Require(entries.Select(entry => entry.Name).Distinct().Count() == entries.Count, "two entries of the curriculum have one name; give each environment once.");
        progress = [.. entries.Select(entry => new Progress { Level = entry.Level })];
    }

    /// <summary>The level of an environment now.</summary>
    public int LevelOf(string name) => progress[Array.FindIndex(entries, entry => entry.Name == name)].Level;

    /// <summary>A prompt.</summary>
    /// <param name="step">Step that it is for.</param>
    /// <param name="number">Its number within the step.</param>
    /// <param name="isWanted">Refuses prompts; null takes all.</param>
    /// <exception cref="InvalidInputException">An environment has no prompt left at its level.</exception>
    public EnvironmentPrompt Draw(long step, int number, Func<EnvironmentPrompt, bool>? isWanted = null)
    {
        var random = TaskRandom.Named("curriculum", options.Seed).Fork($"{step}/{number}");
        var index = Pick(random, step);
        var (entry, level) = (entries[index], progress[index].Level);
        for (var tries = 0; tries < MostTries; tries++)
        {
            var language = entry.Language ?? random.Pick(EnvironmentPrompt.Languages(entry.Name));
            var prompt = EnvironmentPrompt.Sample(entry.Name, level, random.NextBits(), language);
            if (prompt.Split == options.Split && !mastered.Contains(prompt.Id) && isWanted?.Invoke(prompt) != false)
            {
                return prompt;
            }
        }

        throw new InvalidInputException(
            $"{entry.Name}, level {level}: no prompt of the part \"{options.Split}\" is left after {MostTries} tries. Start at a higher level, or keep the prompts that are mastered.");
    }

    /// <summary>Takes the outcome of a group; call it in the order of the prompts, so that a run can be repeated.</summary>
    /// <param name="prompt">The prompt of the group.</param>
    /// <param name="samples">Answers that were scored.</param>
    /// <param name="right">Answers that were right.</param>
    public void Record(EnvironmentPrompt prompt, int samples, int right)
    {
        var index = Array.FindIndex(entries, entry => entry.Name == prompt.Name);
        if (index < 0 || samples == 0)
        {
            return;
        }

        if (options.DropsMastered && right == samples)
        {
            mastered.Add(prompt.Id);
        }

        var state = progress[index];
        if (prompt.Level != state.Level)
        {
            return; // A late group of the level below.
        }

        state.Window.Enqueue(right / (double)samples);
        if (state.Window.Count > options.Window)
        {
            state.Window.Dequeue();
        }

        if (state.Window.Count == options.Window && state.Window.Average() >= options.RaiseAt && state.Level < (entries[index].MaxLevel ?? EnvironmentPrompt.MaxLevel(prompt.Name)))
        {
            state.Level++;
            state.Window.Clear();
        }
    }

    /// <summary>The state, for a checkpoint.</summary>
    public JsonObject Save() => new()
    {
        ["environments"] = new JsonArray([.. entries.Select((entry, i) => (JsonNode)new JsonObject
        {
            ["name"] = entry.Name,
            ["level"] = progress[i].Level,
            ["window"] = new JsonArray([.. progress[i].Window.Select(value => (JsonNode)value)]),
        })]),
        ["mastered"] = TaskJson.Array(mastered),
    };

    /// <summary>Goes on from a saved state. Entries that the state lacks start anew; those that the curriculum lacks are dropped.</summary>
    /// <exception cref="InvalidInputException">The state is damaged.</exception>
    public void Restore(JsonObject state)
    {
        try
        {
            using var document = JsonDocument.Parse(TaskJson.Compact(state));
            var root = document.RootElement;
            mastered.Clear();
            mastered.UnionWith(root.Texts("mastered"));
            foreach (var saved in root.GetProperty("environments").EnumerateArray())
            {
                if (Array.FindIndex(entries, entry => entry.Name == saved.Text("name")) is var index and >= 0)
                {
                    progress[index] = new Progress { Level = saved.Int("level") };
                    Array.ForEach([.. saved.GetProperty("window").EnumerateArray()], value => progress[index].Window.Enqueue(value.GetDouble()));
                }
            }
        }
        catch (Exception exception) when (exception is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException($"the saved state of the curriculum is damaged: {exception.Message} Start from an older checkpoint.", exception);
        }
    }

    private static void Require(bool holds, string fault)
    {
        if (!holds)
        {
            throw new InvalidInputException(fault);
        }
    }

    private int Pick(TaskRandom random, long step)
    {
        var weights = entries.Select(entry => entry.WeightAt(step)).ToArray();
        var left = (random.NextBits() >> 11) * (1.0 / (1UL << 53)) * weights.Sum();
        for (var i = 0; i < weights.Length; i++)
        {
            left -= weights[i];
            if (left < 0)
            {
                return i;
            }
        }

        return Array.FindLastIndex(weights, weight => weight > 0); // Rounding.
    }

    private sealed class Progress
    {
        public int Level { get; set; }

        public Queue<double> Window { get; } = [];
    }
}
