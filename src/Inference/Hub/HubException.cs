namespace MiniMaxSharp.Inference;

/// <summary>A hub or the way to it failed: it cannot be reached, keeps failing, or sends other bytes than it lists.</summary>
public sealed class HubException : Exception
{
    /// <summary>Makes the exception with its complete message.</summary>
    public HubException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with its complete message and its cause.</summary>
    public HubException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
