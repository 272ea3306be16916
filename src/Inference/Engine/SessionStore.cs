using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Prefixes that survive a restart: one file each in a folder of the model, written behind by a thread of its own. A file that is cut off, damaged,
/// or of another model is deleted, never used. A prefix that continues a stored one stores only its new key/value pages.
/// </summary>
internal sealed class SessionStore : IDisposable
{
    private const string Ending = ".state";
    private const int MaxPending = 8;
    private readonly string folder;
    private readonly ModelFingerprint fingerprint;
    private readonly long capacity;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Stored> files = [];
    private readonly BlockingCollection<(string Name, int[] Tokens, SequenceState State)> pending = new(MaxPending);
    private readonly Thread writer;
    private readonly SequenceState empty;
    private int unwritten;

    /// <summary>Opens the store of a model below <paramref name="sessionFolder"/> and drops what is unusable.</summary>
    /// <exception cref="InvalidInputException">The folder cannot be made or written.</exception>
    public SessionStore(string sessionFolder, ModelFingerprint fingerprint, MiniMaxM1 model, long capacity)
    {
        this.fingerprint = fingerprint;
        this.capacity = capacity;
        folder = Path.Combine(sessionFolder, Convert.ToHexStringLower(fingerprint.Model.AsSpan(0, 8)));
        empty = model.CreateState();
        try
        {
            Directory.CreateDirectory(folder);
            Array.ForEach(Directory.GetFiles(folder, "*.tmp"), File.Delete);
            Array.ForEach(Directory.GetFiles(folder, "*" + Ending), ReadOrDelete);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{folder}: sessions cannot be kept here ({problem.Message}). Name a folder that can be written, or none.");
        }

        writer = new Thread(WriteLoop) { IsBackground = true, Name = "session writer" };
        writer.Start();
    }

    /// <summary>Token ids of the stored prefixes, shorter ones first.</summary>
    public IReadOnlyList<int[]> Prefixes
    {
        get
        {
            lock (gate)
            {
                return [.. files.Values.Select(file => file.Tokens).OrderBy(tokens => tokens.Length)];
            }
        }
    }

    /// <summary>Bytes on disk.</summary>
    public long Bytes
    {
        get
        {
            lock (gate)
            {
                return files.Values.Sum(file => file.Bytes);
            }
        }
    }

    /// <summary>Why the last file could not be written; null when it could.</summary>
    public string? WriteFailure { get; private set; }

    /// <summary>Stores the states after <paramref name="tokens"/> soon. False: the disk cannot keep up, the prefix is not stored.</summary>
    public bool Save(int[] tokens, SequenceState state)
    {
        var copy = state.Clone();
        Interlocked.Increment(ref unwritten);
        if (pending.TryAdd((Name(tokens), tokens, copy)))
        {
            return true;
        }

        Interlocked.Decrement(ref unwritten);
        copy.Dispose();
        return false;
    }

    /// <summary>The stored states after <paramref name="tokens"/>; null when they are not there or damaged.</summary>
    public SequenceState? Load(int[] tokens, MiniMaxM1 model)
    {
        Flush();
        lock (gate)
        {
            var state = model.CreateState();
            if (!TryLoad(tokens, state, withLightning: true))
            {
                state.Dispose();
                return null;
            }

            state.Position = tokens.Length;
            return state;
        }
    }

    /// <summary>Waits until everything is on disk.</summary>
    public void Flush()
    {
        while (Volatile.Read(ref unwritten) > 0)
        {
            Thread.Sleep(1);
        }
    }

    /// <summary>Deletes all prefixes.</summary>
    public void Clear()
    {
        Flush();
        lock (gate)
        {
            foreach (var name in files.Keys.ToArray())
            {
                Delete(name);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        pending.CompleteAdding();
        writer.Join();
        pending.Dispose();
        empty.Dispose();
    }

    private static string Name(ReadOnlySpan<int> tokens) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(tokens)).AsSpan(0, 16));

    private string PathOf(string name) => Path.Combine(folder, name + Ending);

    private void ReadOrDelete(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        if (SessionFile.TryReadTokens(path, fingerprint, empty, out var tokens, out var before) && Name(tokens) == name)
        {
            files[name] = new Stored(tokens, before, new FileInfo(path).Length) { LastUse = File.GetLastWriteTimeUtc(path) };
        }
        else
        {
            File.Delete(path);
        }
    }

    /// <summary>Key/value pages of the chain of files, and the lightning states of the last.</summary>
    private bool TryLoad(int[] tokens, SequenceState state, bool withLightning)
    {
        var name = Name(tokens);
        if (!files.TryGetValue(name, out var stored))
        {
            return false;
        }

        var fits = false;
        try
        {
            fits = (stored.Before == 0 || TryLoad(tokens[..stored.Before], state, withLightning: false))
                && SessionFile.TryRead(PathOf(name), tokens.Length, stored.Before, CutToPages(state, stored.Before), withLightning);
        }
        catch (IOException)
        {
            // The file is gone or cannot be read: the same as damaged.
        }

        stored.LastUse = DateTime.UtcNow;
        if (!fits)
        {
            Delete(name);
        }

        return fits;
    }

    private static SequenceState CutToPages(SequenceState state, int length)
    {
        foreach (var layer in state.Layers.OfType<KeyValueState>())
        {
            layer.Pages.Truncate(length / KeyValuePages.PageTokens * KeyValuePages.PageTokens);
        }

        return state;
    }

    private void WriteLoop()
    {
        foreach (var (name, tokens, state) in pending.GetConsumingEnumerable())
        {
            try
            {
                Write(name, tokens, state);
                WriteFailure = null;
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                WriteFailure = problem.Message; // A cache that cannot be written costs time, not answers.
            }
            finally
            {
                state.Dispose();
                Interlocked.Decrement(ref unwritten);
            }
        }
    }

    private void Write(string name, int[] tokens, SequenceState state)
    {
        var before = 0;
        lock (gate)
        {
            if (files.ContainsKey(name))
            {
                return;
            }

            foreach (var file in files.Values)
            {
                before = file.Tokens.Length > before && file.Tokens.Length < tokens.Length && tokens.AsSpan(0, file.Tokens.Length).SequenceEqual(file.Tokens)
                    ? file.Tokens.Length
                    : before;
            }
        }

        SessionFile.Write(PathOf(name), fingerprint, tokens, before, state);
        lock (gate)
        {
            files[name] = new Stored(tokens, before, new FileInfo(PathOf(name)).Length) { LastUse = DateTime.UtcNow };
            while (files.Values.Sum(file => file.Bytes) > capacity && Oldest() is { } oldest)
            {
                Delete(oldest);
            }
        }
    }

    /// <summary>The file that was unused for longest among those that no other one continues.</summary>
    private string? Oldest()
    {
        var continued = files.Values.Where(file => file.Before > 0).Select(file => Name(file.Tokens.AsSpan(0, file.Before))).ToHashSet();
        return files.Where(file => !continued.Contains(file.Key)).OrderBy(file => file.Value.LastUse).Select(file => file.Key).FirstOrDefault();
    }

    private void Delete(string name)
    {
        files.Remove(name);
        File.Delete(PathOf(name));
    }

    private sealed record Stored(int[] Tokens, int Before, long Bytes)
    {
        public DateTime LastUse { get; set; }
    }
}
