using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax run</c>: one question, one streamed answer.</summary>
internal static class RunCommand
{
    private const string Help = """
        Answers one question. The answer streams to standard output; thinking is dimmed on a terminal and goes to standard error elsewhere.

        Examples:
          minimax run "What is 7 times 8?"
          minimax run --model /models/m1 --think 2000 --max-tokens 8000 "Prove that sqrt(2) is irrational."
          minimax run --json --seed 1 - < question.txt
          minimax run --json-schema person.json "Who wrote Faust?"
        """;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var prompt = new Argument<string>("PROMPT") { Description = "The question; - reads standard input." };
        var system = new Option<string?>("--system") { Description = "Instructions that stand before the question." };
        var raw = new Option<bool>("--raw") { Description = "Continue the text itself, without the chat format." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object when the answer is complete, instead of streaming." };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Don't print the speed at the end." };
        var options = new GenerationOptions();
        var grammar = new GrammarOptions();
        var command = new Command("run", Help) { prompt, system, raw, json, quiet };
        options.AddTo(command);
        grammar.AddTo(command);
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var text = parsed.GetRequiredValue(prompt) is var given && given == "-" ? InputFile.ReadText("-") : given;
                if (string.IsNullOrWhiteSpace(text))
                {
                    throw new InvalidInputException("The prompt is empty. Give a question.");
                }

                var language = grammar.Read(parsed);
                using var engine = options.OpenEngine(parsed);
                var isRaw = parsed.GetValue(raw);
                var sampling = options.Sampling(parsed);
                var answer = new Answer(engine, sampling, options.Thinking(parsed), language, isRaw);
                new Request(engine, answer, sampling, text, parsed.GetValue(system), isRaw).Run(parsed.InvocationConfiguration, parsed.GetValue(json), parsed.GetValue(quiet), cancellationToken);
                return 0;
            },
            CancellationToken.None));
        return command;
    }

    private sealed class Request(InferenceEngine engine, Answer answer, SamplingParams sampling, string text, string? system, bool raw)
    {
        public void Run(InvocationConfiguration io, bool json, bool quiet, CancellationToken cancellationToken)
        {
            using var sequence = engine.CreateSequence();
            var prompt = raw ? engine.Tokenizer.Encode(text) : answer.Prompt(new Conversation([.. System(), ChatMessage.User(text)]));
            RunOptions.NoteMemory(io.Error, engine.Loaded, Math.Min(prompt.Length + (long)(sampling.MaxTokens ?? 0), engine.Loaded.Config.MaxPositionEmbeddings));
            var progress = new TokenProgress(io.Error, prompt.Length, ProgressLine.IsTerminal(io.Error), TimeProvider.System);
            var writer = json
                ? new AnswerWriter(TextWriter.Null, TextWriter.Null, isTerminal: false)
                : new AnswerWriter(io.Output, io.Error, AnswerWriter.IsTerminal(io.Output));
            var generation = answer.Stream(sequence, prompt, writer, progress, cancellationToken);
            progress.Finish();
            writer.End();
            if (json)
            {
                io.Output.WriteLine(ToJson(generation, writer).ToJsonString());
            }
            else if (!quiet)
            {
                io.Error.WriteLine(Speed.Of(generation));
            }
        }

        private static JsonObject ToJson(Generation generation, AnswerWriter writer) => new()
        {
            ["content"] = writer.Content,
            ["reasoning_content"] = writer.Reasoning,
            ["finish_reason"] = generation.FinishReason.ToString()!.ToLowerInvariant(),
            ["prompt_tokens"] = generation.PromptTokens,
            ["completion_tokens"] = generation.GeneratedTokens,
            ["seed"] = generation.Seed,
            ["prefill_seconds"] = Math.Round(generation.PrefillTime.TotalSeconds, 4),
            ["decode_seconds"] = Math.Round(generation.DecodeTime.TotalSeconds, 4),
        };

        private IEnumerable<ChatMessage> System() => system is null ? [] : [ChatMessage.System(system)];
    }
}

/// <summary>The line under an answer.</summary>
internal static class Speed
{
    /// <summary>Tokens and rates of a finished generation.</summary>
    public static string Of(Generation generation)
    {
        var ran = generation.PromptTokens - generation.NumCachedTokens;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"[{generation.PromptTokens} prompt tokens, {generation.NumCachedTokens} reused, {ran / Math.Max(generation.PrefillTime.TotalSeconds, 1e-9):F0}/s; {generation.GeneratedTokens} generated, {generation.GeneratedTokens / Math.Max(generation.DecodeTime.TotalSeconds, 1e-9):F0}/s; {generation.FinishReason.ToString()!.ToLowerInvariant()}]");
    }
}
