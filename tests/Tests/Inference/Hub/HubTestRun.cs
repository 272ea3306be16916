using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

/// <summary>A local hub with one repository, a scratch folder, and virtual time for the waits between attempts.</summary>
internal sealed class HubTestRun : IDisposable
{
    public const string Repo = "owner/tiny";
    public const string Shard = "model-00000-of-00002.safetensors";
    private readonly ScratchFolder scratch = new();

    public HubTestRun(bool withHashes = true)
    {
        Files = new()
        {
            ["config.json"] = "{\"a\": 1}"u8.ToArray(),
            [Shard] = Bytes(1, 200_000),
            ["model-00001-of-00002.safetensors"] = Bytes(2, 70_001),
        };
        Hub.AddRepository(Repo, Files, withHashes);
        Options = new HubOptions
        {
            Time = Time,
            Jitter = () => 1,
            StallTimeout = TimeSpan.FromMilliseconds(200),
            Note = text =>
            {
                lock (Notes)
                {
                    Notes.Add(text);
                }
            },
        };
    }

    public LocalHub Hub { get; } = new();

    public VirtualTime Time { get; } = new();

    public List<string> Notes { get; } = [];

    public Dictionary<string, byte[]> Files { get; }

    public HubOptions Options { get; set; }

    public string? Token { get; set; }

    public string Folder => scratch["out"];

    public static string ShardTarget => LocalHub.FileTarget(Repo, Shard);

    public static byte[] Bytes(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public string PathOf(string name) => Path.Combine(Folder, name);

    public string PartOf(string name) => PathOf(name) + "." + LocalHub.Sha256(Files[name])[..16] + ".part";

    public HubClient Client(HubKind kind = HubKind.HuggingFace) => new(HubAddress.Create(kind, Hub.Endpoint, Token ?? "", _ => null), Options);

    /// <summary>Lists, plans and downloads; returns the bytes that came over the network.</summary>
    public async Task<long> PullAsync(bool verify = false, IProgress<HubProgress>? progress = null, CancellationToken? cancellation = null)
    {
        var token = cancellation ?? TestContext.Current.CancellationToken;
        using var client = Client();
        var listing = (await client.ListAsync(Repo, null, token)).Select([], []);
        var download = new HubDownload(client, listing, Folder);
        return await download.RunAsync(await download.PlanAsync(readFiles: true, verify, token), progress, token);
    }

    /// <summary>Every file is there with its content, and nothing else but the record.</summary>
    public void AssertComplete()
    {
        Assert.All(Files, file => Assert.Equal(file.Value, File.ReadAllBytes(PathOf(file.Key))));
        Assert.Equal(Files.Keys.Append(".minimax-pull.json").Order(), Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)).Order());
    }

    public void Dispose()
    {
        Hub.Dispose();
        scratch.Dispose();
    }
}

/// <summary>A clock on which every wait is over at once, and which remembers the waits.</summary>
internal sealed class VirtualTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<TimeSpan> waits = [];
    private DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (gate)
            {
                return [.. waits];
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
        {
            return now;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            lock (gate)
            {
                waits.Add(dueTime);
                now += dueTime;
            }

            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }

        return new Fired();
    }

    private sealed class Fired : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
