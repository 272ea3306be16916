using System.Globalization;

namespace MiniMaxSharp.Inference;

/// <summary>Why a prompt, or a part of it, had to run again. Each reason begins with a word that stays the same, then a colon and the explanation.</summary>
internal static class CacheMiss
{
    /// <summary><c>off</c> and <c>disabled</c>: the cache was not asked.</summary>
    public static string NotUsed(bool engineHasNone) => engineHasNone
        ? "off: this engine has no prefix cache"
        : "disabled: the request did not want the prefix cache";

    /// <summary><c>logprobs</c>: the log-probabilities of the prompt were wanted.</summary>
    public static string PromptLogProbs() => "logprobs: the log-probabilities of the prompt were asked for, so all of it had to run";

    /// <summary><c>short</c>: no grid line lies within the prompt.</summary>
    public static string Short(int grid) => Text($"short: a prompt is reused in blocks of {grid} tokens, and one token has to run");

    /// <summary><c>new</c>: nothing that begins like this is known.</summary>
    public static string New() => "new: no cached prompt begins like this one";

    /// <summary><c>diverged</c>: a cached prompt goes on differently.</summary>
    public static string Diverged(int matched, int reused) => Text($"diverged: from token {matched} on the prompt differs from every cached one; reused up to {reused}");

    /// <summary><c>evicted</c>: there was a state further on, but its memory was needed.</summary>
    public static string Evicted(int reused) => Text($"evicted: a longer prefix was cached, but its memory was needed; reused up to {reused}");

    /// <summary><c>no-state</c>: the tokens are known, but no state was saved there.</summary>
    public static string NoState(int matched, int reused) => Text($"no-state: {matched} tokens are known, but the last saved state lies at {reused}");

    /// <summary><c>damaged</c>: the session file of a longer prefix was unusable.</summary>
    public static string Damaged(int reused) => Text($"damaged: the session file of a longer prefix was damaged or is gone; reused up to {reused}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
