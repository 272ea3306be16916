using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>The language of a prompt.</summary>
public enum TaskLanguage
{
    /// <summary>English, code <c>en</c>.</summary>
    English,

    /// <summary>Chinese in simplified characters, code <c>zh</c>.</summary>
    Chinese,
}

/// <summary>The two-letter codes of the languages.</summary>
public static class TaskLanguageCode
{
    /// <summary><c>en</c> or <c>zh</c>.</summary>
    public static string Code(this TaskLanguage language) => language == TaskLanguage.Chinese ? "zh" : "en";

    /// <summary>The language of a code.</summary>
    /// <exception cref="InvalidInputException">The code is neither <c>en</c> nor <c>zh</c>.</exception>
    public static TaskLanguage Parse(string code) => code switch
    {
        "en" => TaskLanguage.English,
        "zh" => TaskLanguage.Chinese,
        _ => throw new InvalidInputException($"language \"{code}\" is unknown; give en or zh."),
    };
}
