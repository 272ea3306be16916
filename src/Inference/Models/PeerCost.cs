namespace MiniMaxSharp.Inference;

/// <summary>Parameters and decode FLOPs of a model that M1 is compared with (specification section 10), counted as <see cref="ModelCost"/> counts.</summary>
public sealed record PeerCost
{
    private PeerCost(string name, Int128 parameterCount, Int128 matMulWeights, Int128 flopsPerVisibleKey)
    {
        Name = name;
        ParameterCount = parameterCount;
        MatMulWeights = matMulWeights;
        Decode = new DecodeFlops(2 * matMulWeights, flopsPerVisibleKey);
    }

    /// <summary>DeepSeek-R1 with keys and values unfolded for each head, which is how its attention is written down.</summary>
    public static PeerCost DeepSeekR1 { get; } = CreateDeepSeekR1("DeepSeek-R1 (per-head view)", static c => c.QkNope + c.QkRope + c.V);

    /// <summary>DeepSeek-R1 with the up-projections absorbed into the query (MLA), which is what servers execute.</summary>
    public static PeerCost DeepSeekR1Absorbed { get; } = CreateDeepSeekR1("DeepSeek-R1 (absorbed MLA)", static c => c.KvLora + c.QkRope + c.KvLora);

    /// <summary>Qwen3-235B-A22B.</summary>
    public static PeerCost Qwen3 { get; } = CreateQwen3();

    /// <summary>Name of the model and of the way of counting.</summary>
    public string Name { get; }

    /// <summary>All parameters but the norms.</summary>
    public Int128 ParameterCount { get; }

    /// <summary>Weights that a decoded token is multiplied with, head and routers included.</summary>
    public Int128 MatMulWeights { get; }

    /// <summary>FLOPs of decoding.</summary>
    public DecodeFlops Decode { get; }

    private static PeerCost CreateDeepSeekR1(string name, Func<(long QkNope, long QkRope, long V, long KvLora), long> widthPerKey)
    {
        const long layers = 61, denseLayers = 3, H = 7168, heads = 128, qkNope = 128, qkRope = 64, v = 128, qLora = 1536, kvLora = 512;
        const long intermediate = 18432, expert = 2048, experts = 256, perToken = 8, shared = 1, vocabulary = 129_280;
        const long attention = (H * qLora) + (qLora * heads * (qkNope + qkRope)) + (H * (kvLora + qkRope)) + (kvLora * heads * (qkNope + v)) + (heads * v * H);
        const long dense = (layers * attention) + (denseLayers * 3 * H * intermediate);
        const long sparseLayers = layers - denseLayers;
        const long router = experts * H;
        const long oneExpert = 3 * H * expert;
        var total = dense + (sparseLayers * (router + ((experts + shared) * oneExpert))) + (2 * vocabulary * H);
        var active = dense + (sparseLayers * (router + ((perToken + shared) * oneExpert))) + (vocabulary * H);
        return new PeerCost(name, total, active, layers * heads * 2 * widthPerKey((qkNope, qkRope, v, kvLora)));
    }

    private static PeerCost CreateQwen3()
    {
        const long layers = 94, H = 4096, heads = 64, keyValueHeads = 4, D = 128, expert = 1536, experts = 128, perToken = 8, vocabulary = 151_936;
        const long attention = (2 * heads * D * H) + (2 * keyValueHeads * D * H);
        const long oneExpert = 3 * H * expert;
        const long outsideExperts = layers * (attention + (experts * H));
        return new PeerCost(
            "Qwen3-235B-A22B",
            outsideExperts + (layers * experts * oneExpert) + (2 * vocabulary * H),
            outsideExperts + (layers * perToken * oneExpert) + (vocabulary * H),
            layers * 4 * heads * D);
    }
}
