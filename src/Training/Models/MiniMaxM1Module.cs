using System.Collections.Immutable;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>How a model is trained.</summary>
public sealed record ModuleOptions
{
    /// <summary>Threads; 0 is one per CPU.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// True: all weights but the routers are used as rounded to bfloat16, as an engine will use the saved file; the masters, which the optimiser
    /// changes, stay f32. Sums are always f32.
    /// </summary>
    public bool Bf16Weights { get; init; }

    /// <summary>True: the head multiplies in bfloat16, as an ablation (report 3.2: its difference from the roll-out).</summary>
    public bool Bf16Head { get; init; }

    /// <summary>True: keep only the input of each layer and compute the layer again in the backward pass.</summary>
    public bool CheckpointLayers { get; init; }
}

/// <summary>One weight under its official name.</summary>
/// <param name="Name">For example <c>model.layers.0.self_attn.qkv_proj.weight</c>.</param>
/// <param name="Value">The f32 master.</param>
/// <param name="Role">What it is for.</param>
/// <param name="Layer">Index of its layer; -1 outside the layers.</param>
public sealed record ModuleParameter(string Name, Parameter Value, TensorRole Role, int Layer);

/// <summary>What a forward pass gives.</summary>
/// <param name="Hidden">Output of the final norm, [N, H].</param>
/// <param name="RouterLogits">Of each layer, [N, E].</param>
/// <param name="ExpertCounts">Tokens that each expert of each layer got, all choices together, [L][E].</param>
public sealed record ModuleOutput(Tensor Hidden, IReadOnlyList<Tensor> RouterLogits, IReadOnlyList<int[]> ExpertCounts);

/// <summary>
/// The MiniMax-M1 model with gradients: the same function as <see cref="MiniMaxM1"/> computes (specification sections 2 to 5).
/// One object is used by one thread at a time; each step runs inside a DisposeScope of its own.
/// Legend: N tokens, H hidden, A heads, KV key/value heads, D head dim, R rotary dim, E experts, K experts of a token, V vocabulary.
/// </summary>
public sealed partial class MiniMaxM1Module : IDisposable
{
    private const float LightningNormEps = 1e-6f;

    private readonly GradientKernels kernels;
    private readonly KernelOps ops;
    private readonly LayerParameters[] layers;
    private readonly float[][] slopes;
    private readonly Dictionary<string, Parameter> byName;
    private readonly ModuleOptions options;

    private MiniMaxM1Module(MiniMaxM1Config config, ImmutableArray<ModuleParameter> parameters, ModuleOptions options)
    {
        (Config, Parameters, this.options) = (config, parameters, options);
        kernels = new GradientKernels(options.Threads);
        ops = new KernelOps(kernels, options.Bf16Weights);
        byName = parameters.ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
        Trainable = parameters;
        layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(LayerOf)];
        slopes = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(l => LightningSlopes.ForLayer(l, config.NumHiddenLayers, config.NumAttentionHeads))];
    }

    /// <summary>Shape of the model.</summary>
    public MiniMaxM1Config Config { get; }

    /// <summary>All weights in the order of the checkpoint.</summary>
    public ImmutableArray<ModuleParameter> Parameters { get; }

    /// <summary>Number of weights.</summary>
    public long ParameterCount => Parameters.Sum(p => p.Value.numel());

    /// <summary>Type of the weights in a saved checkpoint, routers aside. A model read from F16 is stored in F32: training leaves the range of F16.</summary>
    internal DType StoredType => options.Bf16Weights ? DType.BF16 : Config.TorchDtype is DType.F16 ? DType.F32 : Config.TorchDtype;

    /// <summary>The kernels, for the optimiser.</summary>
    internal GradientKernels Kernels => kernels;

    /// <summary>Weights [V, H] of the head.</summary>
    internal Parameter Head => byName[Config.TieWordEmbeddings ? WeightMap.EmbedTokens : WeightMap.LmHead];

    /// <summary>Runs the layers. Call it inside a DisposeScope.</summary>
    /// <exception cref="InvalidInputException">A token id is outside the vocabulary.</exception>
    public ModuleOutput Forward(PackedDocuments documents)
    {
        CheckIds(documents.Ids);
        var embedded = ops.Embed(byName[WeightMap.EmbedTokens], documents.Ids);
        if (Lora is not null && is_grad_enabled())
        {
            embedded.requires_grad_(); // A checkpointed layer hands gradients on to its inputs, the first one too.
        }

        var stream = new ResidualStream(embedded, 1, null, 0);
        var rotation = Config.CountLayers(AttentionKind.Softmax) > 0 ? Rotation(documents) : default;
        var (routerLogits, counts) = (new List<Tensor>(), new List<int[]>());
        for (var l = 0; l < layers.Length; l++)
        {
            (stream, var logits, var expertCounts) = options.CheckpointLayers && is_grad_enabled()
                ? CheckpointedLayer(l, stream, documents, rotation)
                : RunLayer(l, stream, documents, rotation);
            routerLogits.Add(logits);
            counts.Add(expertCounts);
        }

        var hidden = ops.AddNorm(stream.Base, stream.Alpha, stream.Added, stream.Beta, byName[WeightMap.FinalNorm], Config.RmsNormEps);
        return new ModuleOutput(hidden, routerLogits, counts);
    }

    /// <summary>Logits [N, V] in f32. Training wants <see cref="TokenLogprobs"/>, which never holds them all.</summary>
    public Tensor Logits(Tensor hidden) => ops.Linear(hidden, Head);

    /// <summary>log p(target) [N] of each row of <see cref="ModuleOutput.Hidden"/>; a negative target gives 0 and no gradient.</summary>
    public Tensor TokenLogprobs(Tensor hidden, int[] targets) => options.Bf16Head ? Bf16HeadLogprobs(hidden, targets) : ops.TokenLogprobs(hidden, Head, targets);

    /// <summary>The same with a head that multiplies in bfloat16.</summary>
    internal Tensor Bf16HeadLogprobs(Tensor hidden, int[] targets)
    {
        var logits = nn.functional.linear(hidden.to(ScalarType.BFloat16), Head.to(ScalarType.BFloat16)).to(ScalarType.Float32);
        var index = tensor(targets.Select(static id => (long)Math.Max(0, id)).ToArray()).unsqueeze(1);
        var mask = tensor(targets.Select(static id => id < 0 ? 0f : 1f).ToArray());
        return (nn.functional.log_softmax(logits, -1).gather(1, index).squeeze(1) * mask).contiguous();
    }

    /// <summary>
    /// Load-balancing loss (specification section 5): E · Σ_e f_e · mean(p)_e over the rows of all layers, f_e the share of rows that chose e,
    /// all choices together. About K when balanced.
    /// </summary>
    public Tensor AuxLoss(ModuleOutput output)
    {
        var rows = output.RouterLogits.Sum(logits => logits.shape[0]);
        var share = new float[Config.NumLocalExperts];
        foreach (var counts in output.ExpertCounts)
        {
            for (var e = 0; e < share.Length; e++)
            {
                share[e] += (float)counts[e] / rows;
            }
        }

        var mean = nn.functional.softmax(cat([.. output.RouterLogits], 0), -1).mean([0L]);
        return (mean * share.ToTensor(share.Length)).sum() * Config.NumLocalExperts;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in Parameters)
        {
            parameter.Value.grad?.Dispose();
            parameter.Value.Dispose();
        }

        DisposeAdapters();
        kernels.Dispose();
    }

    private void CheckIds(int[] ids)
    {
        for (var i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)Config.VocabSize)
            {
                throw new InvalidInputException(
                    $"Token id {ids[i]} at position {i} is outside the vocabulary of {Config.VocabSize}. Use the tokenizer that belongs to the model.");
            }
        }
    }

    private LayerParameters LayerOf(int layer)
    {
        Tensor Of(string part) => Effective(WeightMap.Layer(layer, part));
        Tensor[] Experts(string part) => [.. Enumerable.Range(0, Config.NumLocalExperts).Select(e => Effective(WeightMap.Expert(layer, e, part)))];
        var lightning = Config.AttnTypeList[layer] == AttentionKind.Lightning;
        return new LayerParameters(
            Of("input_layernorm"),
            Of("post_attention_layernorm"),
            lightning ? new(Of("self_attn.qkv_proj"), Of("self_attn.output_gate"), Of("self_attn.norm"), Of("self_attn.out_proj")) : null,
            lightning ? null : new(Of("self_attn.q_proj"), Of("self_attn.k_proj"), Of("self_attn.v_proj"), Of("self_attn.o_proj")),
            Of("block_sparse_moe.gate"),
            new(Experts("w1"), Experts("w2"), Experts("w3")),
            Config.SharedIntermediateSize > 0
                ? new(Of("shared_mlp.gate_proj"), Of("shared_mlp.up_proj"), Of("shared_mlp.down_proj"), Of("coefficient"))
                : null);
    }
}
