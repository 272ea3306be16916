using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <content>JSON output; FLOPs may exceed 2^53, so readers that keep numbers as doubles round them.</content>
internal static partial class InspectCommand
{
    private static string ToJson(Findings findings)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("config", findings.ConfigPath);
            WriteArchitectureJson(json, findings.Config);
            WriteCheckpointJson(json, findings);
            WriteMemoryJson(json, findings);
            WriteFlopsJson(json, findings);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteArchitectureJson(Utf8JsonWriter json, MiniMaxM1Config config)
    {
        json.WriteStartObject("architecture");
        json.WriteNumber("layers", config.NumHiddenLayers);
        json.WriteNumber("lightning_layers", config.CountLayers(AttentionKind.Lightning));
        json.WriteNumber("softmax_layers", config.CountLayers(AttentionKind.Softmax));
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("heads", config.NumAttentionHeads);
        json.WriteNumber("key_value_heads", config.NumKeyValueHeads);
        json.WriteNumber("head_dim", config.HeadDim);
        json.WriteNumber("rotary_dim", config.RotaryDim);
        json.WriteNumber("experts", config.NumLocalExperts);
        json.WriteNumber("experts_per_token", config.NumExpertsPerTok);
        json.WriteNumber("expert_width", config.IntermediateSize);
        json.WriteNumber("shared_mlp_width", config.SharedIntermediateSize);
        json.WriteNumber("vocabulary", config.VocabSize);
        json.WriteBoolean("tied_head", config.TieWordEmbeddings);
        json.WriteBoolean("postnorm", config.Postnorm);
        json.WriteNumber("max_position_embeddings", config.MaxPositionEmbeddings);
        json.WriteEndObject();
    }

    private static void WriteCheckpointJson(Utf8JsonWriter json, Findings findings)
    {
        var cost = findings.Cost;
        json.WriteNumber("tensors", findings.Manifest.Tensors.Length);
        Write(json, "parameters", cost.ParameterCount);
        json.WriteNumber("bytes", findings.Manifest.TotalBytes);
        json.WriteStartObject("active_parameters");
        Write(json, "with_embedding_and_head", cost.ActiveParameters);
        Write(json, "without_embedding", cost.ActiveWithoutEmbedding);
        Write(json, "without_embedding_and_head", cost.ActiveWithoutVocabulary);
        json.WriteEndObject();
        if (findings.Index is { } index)
        {
            json.WriteStartObject("index");
            json.WriteString("file", index.Path);
            json.WriteBoolean("names_match", true);
            json.WriteNumber("shards", index.Shards);
            if (index.TotalSize is { } total)
            {
                json.WriteNumber("total_size", total);
            }

            json.WriteEndObject();
        }

        json.WriteStartArray("kinds");
        foreach (var role in findings.Manifest.Tensors.GroupBy(static t => t.Role))
        {
            json.WriteStartObject();
            json.WriteString("kind", RoleText(role.Key));
            json.WriteNumber("tensors", role.Count());
            json.WriteNumber("parameters", role.Sum(static t => t.ElementCount));
            json.WriteNumber("bytes", role.Sum(static t => t.ByteSize));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteMemoryJson(Utf8JsonWriter json, Findings findings)
    {
        Write(json, "lightning_state_bytes_f32", findings.Cost.LightningStateBytes());
        Write(json, "key_value_bytes_per_token_bf16", findings.Cost.KeyValueBytesPerToken());
        json.WriteStartArray("memory");
        foreach (var n in findings.MemoryContexts)
        {
            json.WriteStartObject();
            json.WriteNumber("n", n);
            Write(json, "key_value_bytes", findings.Cost.KeyValueBytes(n));
            Write(json, "total_bytes", findings.Cost.KeyValueBytes(n) + findings.Cost.LightningStateBytes());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteFlopsJson(Utf8JsonWriter json, Findings findings)
    {
        var models = new List<(string Name, DecodeFlops Flops)> { ("this model", findings.Cost.Decode) };
        if (findings.IsComparable)
        {
            foreach (var peer in (PeerCost[])[PeerCost.DeepSeekR1, PeerCost.DeepSeekR1Absorbed, PeerCost.Qwen3])
            {
                models.Add((peer.Name, peer.Decode));
            }
        }

        json.WriteStartObject("flops");
        json.WriteString("definition", "one multiply-add = 2; per_token: one token that sees n keys; cumulative: generation of n tokens; "
            + "prefill: n tokens, lightning blocks of 256, logits of the last token only");
        json.WriteStartArray("models");
        foreach (var (name, _) in models)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
        json.WriteStartArray("rows");
        foreach (var n in findings.FlopsContexts)
        {
            json.WriteStartObject();
            json.WriteNumber("n", n);
            WriteAll(json, "per_token", models.Select(model => model.Flops.PerToken(n)));
            WriteAll(json, "cumulative", models.Select(model => model.Flops.Cumulative(n)));
            Write(json, "prefill", findings.Cost.PrefillFlops(n));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteAll(Utf8JsonWriter json, string name, IEnumerable<Int128> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteRawValue(value.ToString(CultureInfo.InvariantCulture));
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string name, Int128 value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value.ToString(CultureInfo.InvariantCulture));
    }
}
