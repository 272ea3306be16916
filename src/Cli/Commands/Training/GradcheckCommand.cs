using System.CommandLine;
using System.Text.Json;
using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train gradcheck</c>: gradients of the trainer against those of a golden file.</summary>
internal static class GradcheckCommand
{
    private const double Tolerance = 1e-3;

    private const string Help = """
        Computes losses and gradients of the sequences of a golden file and compares them with those in it.
        The file has seq.0, seq.1, …, old_logprobs.i of the response tokens, advantages, and eps_high in its metadata.
        Written are loss.KIND and grad.KIND.PARAMETER for each KIND that the file has: sft, sft_aux, cispo.
        The error of a tensor is its largest difference over its largest golden magnitude. Exit code 1 when one is above 1e-3.

        Example: minimax train gradcheck models/tiny --golden grads.safetensors --out mine.safetensors
        """;

    private static readonly Argument<string> model = new("MODEL") { Description = "Folder of the model." };

    private static readonly Option<string> goldenFile = new("--golden") { Description = "The golden safetensors file.", Required = true, HelpName = "FILE" };

    private static readonly Option<string> outFile = new("--out") { Description = "The safetensors file to write.", Required = true, HelpName = "FILE" };

    private static readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };

    private static readonly Option<bool> checkpoint = new("--checkpoint-layers") { Description = "Recompute layers in the backward pass." };

    private static readonly Option<bool> json = new("--json") { Description = "Print one JSON object: the error of each tensor, and the largest." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("gradcheck", Help) { model, goldenFile, outFile, threads, checkpoint, json };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var options = new ModuleOptions { Threads = parsed.GetValue(threads), CheckpointLayers = parsed.GetValue(checkpoint) };
        using var module = MiniMaxM1Module.Load(parsed.GetRequiredValue(model), options);
        IReadOnlyList<GradientError> errors = [];
        OutputFile.Write(parsed.GetRequiredValue(outFile), path => errors = GradientCheck.Run(module, parsed.GetRequiredValue(goldenFile), path));
        var output = parsed.InvocationConfiguration.Output;
        var largest = errors.Count > 0 ? errors.Max(error => error.Error) : 0;
        if (parsed.GetValue(json))
        {
            output.WriteLine(ToJson(errors, largest));
        }
        else
        {
            foreach (var error in errors)
            {
                output.WriteLine(Invariant($"{error.Error:E2}  {error.Name}"));
            }

            output.WriteLine(errors.Count > 0
                ? Invariant($"{errors.Count} tensors, largest error {largest:E2}")
                : "The golden file holds inputs only; nothing was compared.");
        }

        return largest <= Tolerance ? 0 : CommandLine.Failure;
    }

    private static string ToJson(IReadOnlyList<GradientError> errors, double largest)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("tensors", errors.Count);
            writer.WriteNumber("largest_error", largest);
            writer.WriteStartObject("errors");
            foreach (var error in errors)
            {
                writer.WriteNumber(error.Name, error.Error);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
