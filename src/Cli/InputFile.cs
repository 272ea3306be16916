using System.Text;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary>What a command reads: a file, or standard input where the path is <c>-</c>.</summary>
internal static class InputFile
{
    private static readonly UTF8Encoding strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>All bytes.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            if (path != "-")
            {
                return File.ReadAllBytes(path);
            }

            using var input = Console.OpenStandardInput();
            using var all = new MemoryStream();
            input.CopyTo(all);
            return all.ToArray();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{Name(path)} cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>All text.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or is not UTF-8.</exception>
    public static string ReadText(string path)
    {
        var bytes = ReadBytes(path);
        try
        {
            return strict.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidInputException($"{Name(path)} is not valid UTF-8 (byte {exception.Index}). Convert it to UTF-8.", exception);
        }
    }

    /// <summary>The path as messages name it.</summary>
    public static string Name(string path) => path == "-" ? "standard input" : path;
}
