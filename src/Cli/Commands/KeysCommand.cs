using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax keys</c>: the API keys of a server.</summary>
internal static class KeysCommand
{
    private const string Help = """
        Makes, lists and revokes the API keys of minimax serve. The file holds hashes only: a key is shown once, when it is made.

        Examples:
          minimax keys add alice --file keys.json --requests-per-minute 60
          minimax keys list --file keys.json
          minimax keys revoke alice --file keys.json
        """;

    private static readonly Option<string> file = new("--file", "-f") { Description = "The key file.", DefaultValueFactory = _ => "keys.json", Recursive = true, HelpName = "FILE" };
    private static readonly Argument<string> name = new("NAME") { Description = "Who the key is for." };
    private static readonly Option<int?> requestsPerMinute = new("--requests-per-minute") { Description = "Limit of this key.", HelpName = "N" };
    private static readonly Option<int?> tokensPerMinute = new("--tokens-per-minute") { Description = "Limit of this key, prompt and answer.", HelpName = "N" };
    private static readonly Option<bool> json = new("--json") { Description = "Print JSON." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var add = new Command("add", "Makes a key and prints it, the only time. Example: minimax keys add alice --file keys.json") { name, requestsPerMinute, tokensPerMinute };
        add.SetAction(parsed =>
        {
            var secret = ApiKeyFile.Add(parsed.GetRequiredValue(file), parsed.GetRequiredValue(name), parsed.GetValue(requestsPerMinute), parsed.GetValue(tokensPerMinute));
            parsed.InvocationConfiguration.Output.WriteLine(secret);
        });
        var list = new Command("list", "Lists the keys by name. Example: minimax keys list --file keys.json --json") { json };
        list.SetAction(parsed => List(parsed.InvocationConfiguration.Output, ApiKeyFile.Load(parsed.GetRequiredValue(file)), parsed.GetValue(json)));
        var revoke = new Command("revoke", "Makes a key invalid for ever. Example: minimax keys revoke alice --file keys.json") { name };
        revoke.SetAction(parsed => ApiKeyFile.Revoke(parsed.GetRequiredValue(file), parsed.GetRequiredValue(name)));
        return new Command("keys", Help) { file, add, list, revoke };
    }

    private static void List(TextWriter output, IReadOnlyList<ApiKey> keys, bool asJson)
    {
        if (asJson)
        {
            var array = new JsonArray([.. keys.Select(key => new JsonObject
            {
                ["name"] = key.Name,
                ["created"] = key.Created,
                ["revoked"] = key.Revoked,
                ["requests_per_minute"] = key.RequestsPerMinute,
                ["tokens_per_minute"] = key.TokensPerMinute,
            })]);
            output.WriteLine(array.ToJsonString());
            return;
        }

        foreach (var key in keys)
        {
            var state = key.Revoked is { } revoked ? string.Create(CultureInfo.InvariantCulture, $"revoked {revoked:yyyy-MM-dd}") : "valid";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{key.Name}\tmade {key.Created:yyyy-MM-dd}\t{state}"));
        }
    }
}
