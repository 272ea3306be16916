using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>
/// Loads libtorch before anything touches TorchSharp. On systems whose libstdc++ is older than GCC 13 (Debian 12), <c>libLibTorchSharp.so</c>
/// does not load because it asks for the version GLIBCXX_3.4.32. No relocation stands behind that version: it is one marker symbol.
/// There a copy of the library is loaded in which the version is marked as weak.
/// </summary>
public static class TorchNative
{
    private const string Library = "libLibTorchSharp.so";
    private const string Package = "libtorch-cpu-linux-x64";
    private const string PackageVersion = "2.10.0"; // That of Directory.Packages.props.
    private const string Variable = "MINIMAX_LIBTORCH";
    private const string MissingVersion = "GLIBCXX_3.4.32";
    private const uint VersionNeedSection = 0x6ffffffe; // SHT_GNU_verneed
    private const byte WeakVersion = 2; // VER_FLG_WEAK

    private static readonly Lazy<string> loaded = new(Load);

    /// <summary>Loads the libraries once for this process.</summary>
    /// <exception cref="InvalidInputException">libtorch is not here or does not load.</exception>
    public static void EnsureLoaded() => _ = loaded.Value;

    private static string Load()
    {
        var library = LoadLibraries();
        // Our kernels have the threads. Those of libtorch would spin between its few small operations and take their CPUs away.
        TorchSharp.torch.set_num_threads(1);
        return library;
    }

    private static string LoadLibraries()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new InvalidInputException("Training needs libtorch, which this build has for Linux on x64 only. Train there; models run everywhere.");
        }

        var folder = new[] { Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"), AppContext.BaseDirectory }
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, Library)))
            ?? throw new InvalidInputException($"{Library} is not beside the program ({AppContext.BaseDirectory}). Build again with `dotnet build`.");
        var libtorch = LibtorchFolder(folder);
        try
        {
            // libtorch first: what is loaded satisfies the needs of the next library, wherever that lies.
            foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
            {
                NativeLibrary.Load(Path.Combine(libtorch, name));
            }

            var original = Path.Combine(folder, Library);
            if (NativeLibrary.TryLoad(original, out _))
            {
                return original;
            }

            var patched = PatchedCopy(original);
            NativeLibrary.Load(patched);
            return patched;
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            throw new InvalidInputException($"libtorch in {libtorch} does not load: {error.Message}", error);
        }
    }

    /// <summary>Where libtorch lies: beside the program, where the environment says, or in the package cache. The tool package has none (docs/adr/0007).</summary>
    private static string LibtorchFolder(string program)
    {
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } packages
            ? packages
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var cached = Path.Combine(cache, Package, PackageVersion, "runtimes", "linux-x64", "native");
        return new[] { program, Environment.GetEnvironmentVariable(Variable) ?? "", cached }
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "libtorch_cpu.so")))
            ?? throw new InvalidInputException(
                $"Training needs libtorch, which is not with this program (450 MB). Download the package {Package} {PackageVersion}, unpack it (it is a zip file), "
                + $"and name its folder runtimes/linux-x64/native in {Variable}. Or train from the sources: dotnet run -c Release --project src/Cli -- train …");
    }

    /// <summary>
    /// A copy without the version, in the user's cache. It gets a temporary name and is renamed: a library that another process has mapped
    /// must never be written to.
    /// </summary>
    private static string PatchedCopy(string original)
    {
        var stamp = new FileInfo(original);
        var folder = Path.Combine(CacheFolder(), "minimax", "native");
        var patched = Path.Combine(folder, FormattableString.Invariant($"{stamp.Length}-{stamp.LastWriteTimeUtc.Ticks}-{Library}"));
        var bytes = File.ReadAllBytes(original);
        if (!WeakenVersion(bytes, MissingVersion))
        {
            throw new DllNotFoundException($"{original} does not load, and not because of {MissingVersion}. Is a library missing? Try: ldd {original}");
        }

        Directory.CreateDirectory(folder);
        if (!File.Exists(patched) || !File.ReadAllBytes(patched).AsSpan().SequenceEqual(bytes))
        {
            var temporary = $"{patched}.{Environment.ProcessId}.{Guid.NewGuid():N}";
            try
            {
                File.WriteAllBytes(temporary, bytes);
                File.Move(temporary, patched, overwrite: true);
            }
            finally
            {
                File.Delete(temporary);
            }
        }

        return patched;
    }

    private static string CacheFolder()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : home.Length > 0 ? Path.Combine(home, ".cache") : Path.GetTempPath();
    }

    /// <summary>Marks one version that an ELF file needs as weak. False when the file does not need it.</summary>
    internal static bool WeakenVersion(Span<byte> elf, string version)
    {
        var sections = BinaryPrimitives.ReadInt64LittleEndian(elf[0x28..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3a..]), count = BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3c..]);
        for (var i = 0; i < count; i++)
        {
            var section = elf.Slice((int)sections + (i * size), size);
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) == VersionNeedSection)
            {
                var strings = elf.Slice((int)sections + ((int)BinaryPrimitives.ReadUInt32LittleEndian(section[0x28..]) * size), size);
                return WeakenIn(elf, (int)Offset(section), (int)Offset(strings), Encoding.ASCII.GetBytes(version + "\0"));
            }
        }

        return false;
    }

    private static long Offset(ReadOnlySpan<byte> section) => BinaryPrimitives.ReadInt64LittleEndian(section[0x18..]);

    /// <summary>Walks the list of needed libraries (Elf64_Verneed) and, in each, that of versions (Elf64_Vernaux).</summary>
    private static bool WeakenIn(Span<byte> elf, int need, int strings, ReadOnlySpan<byte> version)
    {
        while (true)
        {
            var versions = BinaryPrimitives.ReadUInt16LittleEndian(elf[(need + 2)..]);
            var entry = need + (int)BinaryPrimitives.ReadUInt32LittleEndian(elf[(need + 8)..]);
            for (var i = 0; i < versions; i++)
            {
                var name = strings + (int)BinaryPrimitives.ReadUInt32LittleEndian(elf[(entry + 8)..]);
                if (elf[name..].StartsWith(version))
                {
                    elf[entry + 4] |= WeakVersion;
                    return true;
                }

                entry += (int)BinaryPrimitives.ReadUInt32LittleEndian(elf[(entry + 12)..]);
            }

            var next = (int)BinaryPrimitives.ReadUInt32LittleEndian(elf[(need + 12)..]);
            if (next == 0)
            {
                return false;
            }

            need += next;
        }
    }
}
