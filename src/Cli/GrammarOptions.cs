using System.CommandLine;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>Options that hold the answer to a grammar; at most one of them.</summary>
internal sealed class GrammarOptions
{
    private readonly Option<string?> jsonSchema = new("--json-schema") { Description = "The answer is JSON that fits the schema in this file; - reads standard input.", HelpName = "FILE" };
    private readonly Option<bool> jsonObject = new("--json-object") { Description = "The answer is a JSON object." };
    private readonly Option<string?> regex = new("--regex") { Description = "The answer matches this regular expression as a whole.", HelpName = "PATTERN" };
    private readonly Option<string?> choice = new("--choice") { Description = "The answer is one of these texts, divided by commas.", HelpName = "A,B,C" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all = [jsonSchema, jsonObject, regex, choice];
        Array.ForEach(all, command.Add);
        command.Validators.Add(result =>
        {
            if (all.Count(option => result.GetResult(option) is not null) > 1)
            {
                result.AddError("Give only one of --json-schema, --json-object, --regex and --choice.");
            }
        });
    }

    /// <summary>The grammar that is asked for; null for free text.</summary>
    /// <exception cref="InvalidInputException">It cannot be followed.</exception>
    public Grammar? Read(ParseResult parsed)
    {
        if (parsed.GetValue(jsonSchema) is { } file)
        {
            return Grammar.FromJsonSchema(InputFile.ReadText(file));
        }

        if (parsed.GetValue(regex) is { } pattern)
        {
            return Grammar.FromRegex(pattern);
        }

        if (parsed.GetValue(choice) is { } choices)
        {
            return Grammar.FromChoices(choices.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }

        return parsed.GetValue(jsonObject) ? Grammar.AnyJsonObject() : null;
    }
}
