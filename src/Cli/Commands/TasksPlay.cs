using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax tasks play</c>: a model in an environment, scored.</summary>
internal sealed class TasksPlay
{
    // A task with few problems may have none of the wanted part among its next seeds.
    private const int MostTries = 2_000;

    private readonly Argument<string> name = new("NAME") { Description = "A task, calculator/TASK, or order-desk." };
    private readonly Option<string?> model = DefaultModel.CreateOption();
    private readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
    private readonly Option<string?> endpoint = new("--endpoint") { Description = "Address of an OpenAI-compatible server that plays instead; the tokenizer is that of --model.", HelpName = "URL" };
    private readonly Option<string?> endpointModel = new("--endpoint-model") { Description = "Name of the model on that server.", HelpName = "NAME" };
    private readonly Option<string?> keyVariable = new("--key-variable") { Description = "Environment variable that holds the server's key.", HelpName = "VARIABLE" };
    private readonly Option<int> level = new("--level") { Description = "Difficulty.", DefaultValueFactory = _ => 1 };
    private readonly Option<ulong> seed = new("--seed") { Description = "Seed of the first prompt, and of the draws." };
    private readonly Option<int> count = new("--count") { Description = "Prompts.", DefaultValueFactory = _ => 8 };
    private readonly Option<int> samples = new("--samples") { Description = "Episodes of each prompt.", DefaultValueFactory = _ => 1 };
    private readonly Option<string> split = new("--split") { Description = "Part of the problems: sft, rl or evaluation.", DefaultValueFactory = _ => "evaluation" };
    private readonly Option<string> language = new("--language") { Description = "en or zh.", DefaultValueFactory = _ => "en" };
    private readonly Option<double> temperature = new("--temperature") { Description = "0 is greedy.", DefaultValueFactory = _ => 1 };
    private readonly Option<double> topP = new("--top-p") { Description = "Smallest set of tokens with this probability.", DefaultValueFactory = _ => 0.95 };
    private readonly Option<int> maxTokens = new("--max-tokens", "-n") { Description = "Most tokens of an episode after its prompt.", DefaultValueFactory = _ => 2048 };
    private readonly Option<int> maxTurns = new("--max-turns") { Description = "Most messages of the model.", DefaultValueFactory = _ => 40 };
    private readonly Option<string?> folder = new("--out") { Description = "Folder for rollouts.jsonl, which train show browses.", HelpName = "DIR" };
    private readonly Option<bool> json = new("--json") { Description = "Print the summary as one JSON object." };

    public static Command Create()
    {
        var play = new TasksPlay();
        play.split.AcceptOnlyFromAmong("sft", "rl", "evaluation");
        play.language.AcceptOnlyFromAmong("en", "zh");
        var command = new Command(
            "play",
            "Let a model play an environment and score it: one question, a question with a calculator, or a customer with a database.\n\n"
                + "Example: minimax tasks play order-desk --model models/my-model --level 2 --count 20 --samples 4 --out runs/desk\n"
                + "Example: minimax tasks play addition --endpoint http://localhost:8000 --endpoint-model m1 --model models/my-model")
        {
            play.name, play.model, play.threads, play.endpoint, play.endpointModel, play.keyVariable, play.level, play.seed, play.count, play.samples, play.split,
            play.language, play.temperature, play.topP, play.maxTokens, play.maxTurns, play.folder, play.json,
        };
        command.SetAction(play.Run);
        return command;
    }

    private async Task Run(ParseResult parsed, CancellationToken cancel)
    {
        var (perPrompt, number) = (parsed.GetValue(samples), parsed.GetValue(count));
        if (perPrompt < 1 || number < 1 || parsed.GetValue(maxTokens) < 1 || parsed.GetValue(maxTurns) < 1)
        {
            throw new InvalidInputException("--count, --samples, --max-tokens and --max-turns must be 1 or more.");
        }

        var sampling = new SamplingParams { Temperature = parsed.GetValue(temperature), TopP = parsed.GetValue(topP), MaxTokens = parsed.GetValue(maxTokens), Seed = parsed.GetValue(seed) };
        sampling.Validate();
        var prompts = Prompts(parsed).Take(number).ToArray();
        var modelFolder = DefaultModel.Resolve(parsed.GetValue(model));
        using var client = Client(parsed);
        using var engine = client is null ? InferenceEngine.Open(modelFolder, new ModelOptions { Threads = parsed.GetValue(threads) }) : null;
        var tokenizer = engine?.Tokenizer ?? Tokenizer.Load(modelFolder);
        var generate = engine is not null ? LocalGenerate.Of(engine) : new ChatEndpoint(client!, parsed.GetValue(endpointModel)!).Generate(tokenizer);
        var player = new EnvironmentPlay(generate, tokenizer, sampling, new RewardScoring(TimeSpan.FromSeconds(30)))
        {
            Episode = new EpisodeOptions { MaxTokens = parsed.GetValue(maxTokens), MaxTurns = parsed.GetValue(maxTurns) },
        };
        using var file = parsed.GetValue(folder) is { } run ? new RolloutFile(run, resumedAtStep: -1) : null;
        var groups = new List<Rollout[]>();
        var progress = new ProgressLine(
            parsed.InvocationConfiguration.Error, prompts.Length, ProgressLine.IsTerminal(parsed.InvocationConfiguration.Error), TimeProvider.System,
            groups => string.Create(CultureInfo.InvariantCulture, $"{groups:0.##} prompts"));
        foreach (var prompt in prompts)
        {
            groups.Add(await player.PlayGroup(prompt, groups.Count, perPrompt, cancel).ConfigureAwait(false));
            file?.Append(groups[^1]);
            progress.Report(groups.Count);
        }

        progress.Finish();
        Write(parsed, groups);
    }

    private IEnumerable<EnvironmentPrompt> Prompts(ParseResult parsed)
    {
        var (first, part) = (parsed.GetValue(seed), parsed.GetRequiredValue(split));
        var tries = 0;
        for (var next = first; tries < MostTries; next++, tries++)
        {
            var prompt = EnvironmentPrompt.Sample(parsed.GetRequiredValue(name), parsed.GetValue(level), next, TaskLanguageCode.Parse(parsed.GetRequiredValue(language)));
            if (prompt.Split.ToString().Equals(part, StringComparison.OrdinalIgnoreCase))
            {
                tries = 0;
                yield return prompt;
            }
        }
    }

    /// <summary>A client of the server; null where the model runs here.</summary>
    private HttpClient? Client(ParseResult parsed)
    {
        if (parsed.GetValue(endpoint) is not { } address)
        {
            return null;
        }

        if (!Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out var uri) || parsed.GetValue(endpointModel) is null)
        {
            throw new InvalidInputException($"--endpoint {address}: give an address such as http://localhost:8000, and the name of its model with --endpoint-model.");
        }

        var client = new HttpClient { BaseAddress = uri, Timeout = TimeSpan.FromMinutes(30) };
        if (parsed.GetValue(keyVariable) is { } variable)
        {
            var key = Environment.GetEnvironmentVariable(variable) ?? throw new InvalidInputException($"--key-variable {variable}: there is no such environment variable. Set it to the key.");
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return client;
    }

    private void Write(ParseResult parsed, List<Rollout[]> groups)
    {
        var played = groups.SelectMany(group => group).ToArray();
        var scored = groups.Select(group => group.Where(rollout => rollout.Error is null).ToArray()).Where(group => group.Length > 0).ToArray();
        var right = scored.Select(group => (IReadOnlyList<double>)[.. group.Select(Correct)]).ToArray();
        var k = scored.Length == 0 ? 0 : scored.Min(group => group.Length);
        var json = new JsonObject
        {
            ["environment"] = parsed.GetRequiredValue(name),
            ["prompts"] = groups.Count,
            ["episodes"] = played.Length,
            ["errors"] = played.Count(rollout => rollout.Error is not null),
            ["average"] = scored.Length == 0 ? 0 : PassAtK.Average(right),
            ["standard_error"] = scored.Length == 0 ? 0 : PassAtK.ClusteredStandardError(right),
            ["k"] = k,
            ["pass_at_k"] = k == 0 ? null : right.Average(group => PassAtK.Any(group.Count, group.Count(value => value >= 1), k)),
            ["pass_hat_k"] = k == 0 ? null : right.Average(group => PassAtK.All(group.Count, group.Count(value => value >= 1), k)),
            ["mean_tokens"] = played.Average(rollout => rollout.Tokens.Length),
            ["stop_reasons"] = new JsonObject(played.GroupBy(rollout => rollout.StopReason).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => KeyValuePair.Create(group.Key, (JsonNode?)group.Count()))),
        };
        if (played.FirstOrDefault(rollout => rollout.Error is not null)?.Error is { } error)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"first error: {error}");
        }

        if (parsed.GetValue(this.json))
        {
            parsed.InvocationConfiguration.Output.WriteLine(json.ToJsonString());
            return;
        }

        foreach (var (field, value) in json)
        {
            parsed.InvocationConfiguration.Output.WriteLine($"{field.Replace('_', ' '),-15} {value?.ToJsonString() ?? "-"}");
        }
    }

    private static double Correct(Rollout rollout) => rollout.Rewards.FirstOrDefault(term => term.Name == Reward.CorrectName)?.Value ?? 0;
}
