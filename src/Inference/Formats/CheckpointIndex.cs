using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary><c>model.safetensors.index.json</c>: which shard holds which tensor.</summary>
/// <param name="WeightMap">Tensor name to file name, in the order of the file.</param>
/// <param name="TotalSize">Bytes of all tensors, where the file says it.</param>
public sealed record CheckpointIndex(IReadOnlyDictionary<string, string> WeightMap, long? TotalSize)
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or is malformed.</exception>
    public static CheckpointIndex Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var shards = ReadWeightMap(document.RootElement, path);
            return new CheckpointIndex(
                shards,
                document.RootElement.TryGetProperty("metadata", out var metadata) && metadata.TryGetProperty("total_size", out var size) ? size.GetInt64() : null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException($"{path} is not valid JSON ({exception.Message.TrimEnd('.')}). Download it again.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {exception.Message} Check the permissions and the disk.", exception);
        }
    }

    private static Dictionary<string, string> ReadWeightMap(JsonElement root, string path)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidInputException($"{path} has no object weight_map. Download it again.");
        }

        var shards = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in map.EnumerateObject())
        {
            var shard = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : "";

            // A downloaded index must not lead out of its folder.
            if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().ContainsAny("/\\\0"))
            {
                throw new InvalidInputException($"{path}: weight_map gives {property.Name} no plain file name. Download it again.");
            }

            if (!shards.TryAdd(property.Name, shard))
            {
                throw new InvalidInputException($"{path}: weight_map names {property.Name} twice. Download it again.");
            }
        }

        return shards;
    }
}
