using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>Finds the tensors of a configuration in a checkpoint or a GGUF file and checks each shape.</summary>
internal sealed class MiniMaxM1WeightsLoader
{
    private readonly IWeightSource source;
    private readonly MiniMaxM1Config config;
    private readonly WeightMap map;
    private readonly HashSet<string> used = new(StringComparer.Ordinal);
    private readonly List<(string Name, Weight Weight)> loaded = [];
    private readonly Dictionary<string, Weight> stored = new(StringComparer.Ordinal);
    private readonly Dim hidden;
    private readonly Dim heads;
    private readonly Dim keyValueHeads;
    private readonly Dim intermediate;
    private readonly Dim experts;
    private readonly Dim vocab;

    public MiniMaxM1WeightsLoader(IWeightSource source, MiniMaxM1Config config)
    {
        this.source = source;
        this.config = config;
        map = WeightMap.Recognize(source.TensorNames, source.Location);
        hidden = new(config.HiddenSize, "hidden_size");
        heads = new((long)config.NumAttentionHeads * config.HeadDim, "num_attention_heads * head_dim");
        keyValueHeads = new((long)config.NumKeyValueHeads * config.HeadDim, "num_key_value_heads * head_dim");
        intermediate = new(config.IntermediateSize, "intermediate_size");
        experts = new(config.NumLocalExperts, "num_local_experts");
        vocab = new(config.VocabSize, "vocab_size");
    }

    private string Mend => $"Weights and {source.ConfigName} belong to different models; use those of one download.";

    public MiniMaxM1Weights Load(bool checkFinite)
    {
        var embedTokens = Matrix(WeightMap.EmbedTokens, vocab, hidden);
        var weights = new MiniMaxM1Weights
        {
            EmbedTokens = embedTokens,
            FinalNorm = Vector(WeightMap.FinalNorm, hidden),
            LmHead = config.TieWordEmbeddings ? embedTokens : Matrix(WeightMap.LmHead, vocab, hidden),
            Layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(Layer)],
            Owner = source,
            Stored = stored,
        };
        CheckNothingIsLeft();
        if (checkFinite)
        {
            CheckFinite();
        }

        return weights;
    }

    private LayerWeights Layer(int layer)
    {
        var lightning = config.AttnTypeList[layer] == AttentionKind.Lightning;
        CheckAttentionKind(layer, lightning);
        Weight Attention(bool wanted, string name, Dim rows, Dim columns) =>
            wanted ? Matrix(WeightMap.Layer(layer, $"self_attn.{name}"), rows, columns) : default;

        var (w1, w2, w3) = map.Experts == ExpertLayout.Packed ? PackedExperts(layer) : SeparateExperts(layer);
        var (sharedGate, sharedUp, sharedDown) = SharedMlp(layer);
        return new LayerWeights
        {
            InputLayernorm = Vector(WeightMap.Layer(layer, "input_layernorm"), hidden),
            PostAttentionLayernorm = Vector(WeightMap.Layer(layer, "post_attention_layernorm"), hidden),
            QkvProj = Attention(lightning, "qkv_proj", new(3 * heads.Size, $"3 * {heads.Field}"), hidden),
            OutputGate = Attention(lightning, "output_gate", heads, hidden),
            AttentionNorm = lightning ? Vector(WeightMap.Layer(layer, "self_attn.norm"), heads) : [],
            OutProj = Attention(lightning, "out_proj", hidden, heads),
            QProj = Attention(!lightning, "q_proj", heads, hidden),
            KProj = Attention(!lightning, "k_proj", keyValueHeads, hidden),
            VProj = Attention(!lightning, "v_proj", keyValueHeads, hidden),
            OProj = Attention(!lightning, "o_proj", hidden, heads),
            Router = Matrix(map.Router(layer), experts, hidden, WeightMap.Layer(layer, "block_sparse_moe.gate")),
            W1 = w1,
            W2 = w2,
            W3 = w3,
            SharedGate = sharedGate,
            SharedUp = sharedUp,
            SharedDown = sharedDown,
            Coefficient = sharedGate.IsEmpty ? null : Vector(WeightMap.Layer(layer, "coefficient"), new(1, "1"), hidden),
        };
    }

    private (Weight[] W1, Weight[] W2, Weight[] W3) SeparateExperts(int layer)
    {
        Weight[] All(string part, Dim rows, Dim columns) =>
            [.. Enumerable.Range(0, config.NumLocalExperts).Select(expert => Matrix(WeightMap.Expert(layer, expert, part), rows, columns))];

        return (All("w1", intermediate, hidden), All("w2", hidden, intermediate), All("w3", intermediate, hidden));
    }

    private (Weight[] W1, Weight[] W2, Weight[] W3) PackedExperts(int layer)
    {
        var gateUp = Slices(WeightMap.PackedGateUp(layer), new(2 * intermediate.Size, $"2 * {intermediate.Field}"), hidden);
        var down = Slices(WeightMap.PackedDown(layer), hidden, intermediate);
        var rows = config.IntermediateSize;
        Weight[] w1 = [.. gateUp.Select(pair => pair.Slice(0, rows))], w3 = [.. gateUp.Select(pair => pair.Slice(rows, rows))];
        for (var expert = 0; expert < config.NumLocalExperts; expert++)
        {
            stored.Add(WeightMap.Expert(layer, expert, "w1"), w1[expert]);
            stored.Add(WeightMap.Expert(layer, expert, "w2"), down[expert]);
            stored.Add(WeightMap.Expert(layer, expert, "w3"), w3[expert]);
        }

        return (w1, down, w3);
    }

    /// <summary>The width S is that of the stored tensor: implementations disagree on which field it is (specification section 5).</summary>
    private (Weight Gate, Weight Up, Weight Down) SharedMlp(int layer)
    {
        if (config.SharedIntermediateSize == 0)
        {
            return default;
        }

        var gateName = WeightMap.Layer(layer, "shared_mlp.gate_proj");
        var shape = source.ShapeOf(gateName);
        var shared = new Dim(shape.Length > 0 ? shape[0] : 0, $"rows of {gateName}");
        return (
            Matrix(gateName, shared, hidden),
            Matrix(WeightMap.Layer(layer, "shared_mlp.up_proj"), shared, hidden),
            Matrix(WeightMap.Layer(layer, "shared_mlp.down_proj"), hidden, shared));
    }

    private Weight Matrix(string name, Dim rows, Dim columns, string? officialName = null)
    {
        CheckShape(name, rows, columns);
        var weight = source.Matrix(name);
        loaded.Add((name, weight));
        stored.Add(officialName ?? name, weight);
        return weight;
    }

    private float[] Vector(string name, params ReadOnlySpan<Dim> shape)
    {
        CheckShape(name, shape);
        var weight = source.Matrix(name);
        loaded.Add((name, weight));
        stored.Add(name, weight);
        return weight.ToArray();
    }

    private Weight[] Slices(string name, Dim rows, Dim columns)
    {
        CheckShape(name, experts, rows, columns);
        var slices = Enumerable.Range(0, config.NumLocalExperts).Select(expert => source.Matrix(name, expert)).ToArray();
        loaded.AddRange(slices.Select((slice, expert) => ($"{name}[{expert}]", slice)));
        return slices;
    }

    private void CheckShape(string name, params ReadOnlySpan<Dim> expected)
    {
        used.Add(name);
        var shape = source.ShapeOf(name);
        var sizes = new long[expected.Length];
        var fields = new string[expected.Length];
        for (var i = 0; i < expected.Length; i++)
        {
            (sizes[i], fields[i]) = expected[i];
        }

        if (!shape.AsSpan().SequenceEqual(sizes))
        {
            throw new InvalidInputException(
                $"{source.PathOf(name)}: tensor {name} has the shape {SafetensorsEntry.Text(shape)}, but {source.ConfigName} asks for "
                + $"{SafetensorsEntry.Text(sizes)} = [{string.Join(", ", fields)}]. {Mend}");
        }
    }

    /// <summary>A layer of the other kind is told from a missing tensor.</summary>
    private void CheckAttentionKind(int layer, bool lightning)
    {
        var here = WeightMap.Layer(layer, lightning ? "self_attn.qkv_proj" : "self_attn.q_proj");
        var other = WeightMap.Layer(layer, lightning ? "self_attn.q_proj" : "self_attn.qkv_proj");
        if (!source.Contains(here) && source.Contains(other))
        {
            throw new InvalidInputException(
                $"{source.Location}: attn_type_list of {source.ConfigName} makes layer {layer} a {(lightning ? "lightning" : "softmax")} layer, "
                + $"but the weights hold {other}. {Mend}");
        }
    }

    private void CheckNothingIsLeft()
    {
        foreach (var name in source.TensorNames)
        {
            // A tied checkpoint may still store the head; it is the embedding.
            if (!used.Contains(name) && !WeightMap.IsBuffer(name) && !(config.TieWordEmbeddings && name == WeightMap.LmHead))
            {
                throw new InvalidInputException(
                    $"{source.PathOf(name)}: tensor {name} has no place in a model of {source.ConfigName} ({config.NumHiddenLayers} layers, "
                    + $"{config.NumLocalExperts} experts, shared_intermediate_size {config.SharedIntermediateSize}). {Mend}");
            }
        }
    }

    private void CheckFinite()
    {
        // Break lets all earlier tensors finish, so the tensor that is named is the first one on every run.
        var result = Parallel.For(0, loaded.Count, (i, state) =>
        {
            if (FiniteCheck.FirstNonFinite(loaded[i].Weight) >= 0)
            {
                state.Break();
            }
        });
        if (result.LowestBreakIteration is { } first)
        {
            var (name, weight) = loaded[(int)first];
            throw new InvalidInputException(
                $"{source.Location}: tensor {name} holds NaN or an infinity at index {FiniteCheck.FirstNonFinite(weight)}. "
                + "The file is damaged, or the training that made it diverged; download it again or use an earlier source.");
        }
    }

    /// <summary>A size that a tensor must have and the field of config.json that asks for it.</summary>
    private readonly record struct Dim(long Size, string Field);
}
