using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MiniMaxSharp.Tests.Serving;

/// <summary><c>minimax serve</c> as a process of its own with the placeholder model.</summary>
internal sealed class ServeProcess : IDisposable
{
    private readonly Process process;
    private readonly Task<string> log; // Read all the time: a full pipe would stop the server.

    private ServeProcess(Process process, Uri address)
    {
        this.process = process;
        log = process.StandardError.ReadToEndAsync(Cancellation);
        Client = new HttpClient { BaseAddress = address };
    }

    public HttpClient Client { get; }

    /// <summary>Memory of the process that is not paged out.</summary>
    public long ResidentBytes
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts a server and waits until it listens.</summary>
    public static async Task<ServeProcess> Start(params string[] options)
    {
        var start = CommandLineProcess.StartInfo(["serve", RandomTiny.Folder, "--port", "0", "--threads", "1", .. options]);
        start.Environment["DOTNET_GCgen0size"] = "0x1000000"; // Garbage goes early, so that its memory says what is held.
        start.Environment.Remove("ASPNETCORE_URLS"); // Another test may have set it for its own server; Kestrel would warn first.
        var process = Process.Start(start)!;
        try
        {
            return new ServeProcess(process, await AddressOf(process));
        }
        catch
        {
            End(process);
            throw;
        }
    }

    public async Task<string> Post(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await Client.PostAsync(path, content, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    /// <summary>Stops as a service manager does; the rest of the log.</summary>
    public async Task<string> Stop()
    {
        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(Cancellation);
        }

        await process.WaitForExitAsync(Cancellation);
        Assert.Equal(0, process.ExitCode);
        return await log;
    }

    /// <summary>Ends it as kill -9 does.</summary>
    public Task Kill()
    {
        process.Kill();
        return process.WaitForExitAsync(Cancellation);
    }

    public void Dispose()
    {
        Client.Dispose();
        End(process);
    }

    private static void End(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }

    /// <summary>Reads notes up to the one that says where the server listens.</summary>
    private static async Task<Uri> AddressOf(Process process)
    {
        var notes = new StringBuilder();
        while (await process.StandardError.ReadLineAsync(Cancellation) is { } line)
        {
            notes.AppendLine(line);
            if (line.Split(' ').FirstOrDefault(word => word.StartsWith("http://", StringComparison.Ordinal)) is { } address)
            {
                return new Uri(address.TrimEnd(';'));
            }
        }

        throw new InvalidOperationException($"The server ended before it listened:\n{notes}");
    }
}
