using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Recipes as JSON, both ways.</summary>
public static class TrainingRunJson
{
    private const string LoopField = "loop";

    private static readonly JsonSerializerOptions options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new ConfigConverter(), new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The resolved recipe, with the kind of run in <c>loop</c>.</summary>
    public static JsonObject ToJson(this TrainingRun run)
    {
        var json = JsonSerializer.SerializeToNode(run, run.GetType(), options)!.AsObject();
        json.Insert(0, LoopField, LoopOf(run.GetType()));
        return json;
    }

    /// <summary>The recipe as text for people.</summary>
    public static string ToText(JsonObject recipe) => recipe.ToJsonString(options);

    /// <summary>Reads what <see cref="ToJson"/> gave.</summary>
    /// <param name="recipe">The object.</param>
    /// <param name="source">Its file, for messages.</param>
    /// <exception cref="InvalidInputException">It is malformed or of another kind of run.</exception>
    public static TRun Parse<TRun>(JsonObject recipe, string source)
        where TRun : TrainingRun
    {
        try
        {
            var fields = recipe.DeepClone().AsObject();
            var loop = (string?)fields[LoopField];
            _ = loop == LoopOf(typeof(TRun)) ? fields.Remove(LoopField) : throw new JsonException($"it is of \"{loop}\".");
            return fields.Deserialize<TRun>(options)!;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidInputException($"{source} is not the recipe of this kind of run: {exception.Message} Resume with the command that began it.", exception);
        }
    }

    private static string LoopOf(Type run) => run == typeof(PretrainRun) ? "pretrain" : "sft";

    private sealed class ConfigConverter : JsonConverter<MiniMaxM1Config>
    {
        public override MiniMaxM1Config Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            MiniMaxM1Config.Parse(Encoding.UTF8.GetBytes(JsonNode.Parse(ref reader)!.ToJsonString()), "the config of the recipe");

        public override void Write(Utf8JsonWriter writer, MiniMaxM1Config value, JsonSerializerOptions options) => writer.WriteRawValue(value.ToJson());
    }
}
