using System.Net.Sockets;
using System.Security.Authentication;

namespace MiniMaxSharp.Inference;

/// <summary>Turns what a network operation throws into what its caller should do: try again, or stop.</summary>
internal static class ConnectionFailure
{
    /// <summary>Runs one operation of a request to <paramref name="uri"/>.</summary>
    /// <exception cref="TransientFailure">Cut, stalled or unreachable.</exception>
    /// <exception cref="HubException">The certificate is not accepted.</exception>
    public static async Task<T> TranslateAsync<T>(Func<Task<T>> operation, Uri uri, StallGuard guard)
    {
        try
        {
            return await operation().ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (guard.Fired)
        {
            throw new TransientFailure($"{uri.Authority} sends nothing any more.", innerException: exception);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.SecureConnectionError && Rejected(exception))
        {
            throw new HubException(
                $"{uri.Authority} has no certificate that this system accepts. Check --endpoint, the clock, and the system's certificates.", exception);
        }
        catch (HttpRequestException exception)
        {
            // The message of the stack names host and port at most.
            throw new TransientFailure(Reason(exception, uri), innerException: exception);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            throw new TransientFailure($"The connection to {uri.Authority} was cut.", innerException: exception);
        }
    }

    private static bool Rejected(Exception exception) => exception.InnerException is AuthenticationException;

    private static string Reason(HttpRequestException exception, Uri uri) => exception.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => $"The name {uri.Host} is not known.",
        HttpRequestError.ConnectionError => $"{uri.Authority} cannot be reached.",
        _ => $"The connection to {uri.Authority} was cut.",
    };
}
