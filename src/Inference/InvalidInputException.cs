namespace MiniMaxSharp.Inference;

/// <summary>
/// Something that was given to the library is unusable: a file, a configuration, a token id, a text.
/// The message says what, where, and how to mend it. The command line turns it into exit code 2.
/// </summary>
public sealed class InvalidInputException : Exception
{
    /// <summary>Makes the exception with its complete message.</summary>
    public InvalidInputException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with its complete message and its cause.</summary>
    public InvalidInputException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
