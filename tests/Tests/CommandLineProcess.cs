using System.Diagnostics;

namespace MiniMaxSharp.Tests;

/// <summary><c>minimax</c> as a process of its own.</summary>
internal static class CommandLineProcess
{
    /// <summary>How to start it; standard error is the caller's to read.</summary>
    public static ProcessStartInfo StartInfo(params IEnumerable<string> arguments) =>
        new("dotnet", [Path.Combine(AppContext.BaseDirectory, "minimax.dll"), .. arguments]) { RedirectStandardError = true };
}
