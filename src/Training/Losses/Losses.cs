using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

public static partial class Losses
{
    /// <summary>Mean cross-entropy: −Σ mask · logprob / Σ mask over the rows whose target is not negative; without a mask all of them.</summary>
    /// <param name="logprobs">[N], 0 where there is no target.</param>
    /// <param name="targets">[N], −1 where there is none.</param>
    public static Tensor CrossEntropy(Tensor logprobs, int[] targets) => logprobs.sum() / -(double)Math.Max(1, targets.Count(static id => id >= 0));

    /// <summary>
    /// −(1/Σ|o|) Σ_t sg(clip(r) · M) · A · log p, the mean over all response tokens of the batch.
    /// </summary>
    /// <param name="logprobs">New log-probabilities, [N].</param>
    /// <param name="oldLogprobs">Those of the policy that sampled, [N].</param>
    /// <param name="advantages">Advantage of the answer of each token, [N].</param>
    /// <param name="response">1 at the tokens of the response, 0 elsewhere, [N].</param>
    /// <param name="bounds">Bounds of weight and mask.</param>
    public static Tensor Policy(Tensor logprobs, Tensor oldLogprobs, Tensor advantages, Tensor response, PolicyBounds bounds)
    {
        bounds.Validate();
        using var contiguous = logprobs.detach().contiguous();
        Span<float> now = contiguous.Values(), old = oldLogprobs.Values(), advantage = advantages.Values(), inResponse = response.Values();
        var tokens = 0.0;
        foreach (var value in inResponse)
        {
            tokens += value;
        }

        var weights = new float[now.Length];
        for (var t = 0; t < weights.Length; t++)
        {
            if (inResponse[t] != 0)
            {
                weights[t] = (float)(PolicyKernel.TokenWeight(Math.Exp((double)now[t] - old[t]), advantage[t], bounds) * inResponse[t] / Math.Max(1, tokens));
            }
        }

        return -(weights.ToTensor(weights.Length) * logprobs).sum();
    }
}
