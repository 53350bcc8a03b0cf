using System.Text;
using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// Where the processes that hold a sandbox together print: a file in memory that cannot grow. Those inside can reach it through /proc,
/// and a file on the host's disk would let them write past their disk limit.
/// </summary>
internal sealed class BoundedLog : IDisposable
{
    private const int Bytes = 64 * 1024;

    // What fits into a log line of ours.
    private const int TailCharacters = 2000;

    private BoundedLog(Descriptor descriptor) => Descriptor = descriptor;

    /// <summary>What the processes get as output.</summary>
    public Descriptor Descriptor { get; }

    /// <summary>Makes an empty log.</summary>
    /// <exception cref="PosixException">The process is out of descriptors or memory.</exception>
    public static BoundedLog Create()
    {
        var file = new Descriptor(Libc.MemFdCreate("porthole-log", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING));
        if (file.IsInvalid || Libc.FTruncate(file.Number, Bytes) < 0
            || Libc.Fcntl(file.Number, Libc.F_ADD_SEALS, Libc.F_SEAL_GROW | Libc.F_SEAL_SHRINK | Libc.F_SEAL_SEAL) < 0)
            throw PosixException.FromLast("make a log in memory");
        return new BoundedLog(file);
    }

    /// <summary>The last of what was printed, as one line without control characters: it may be hostile.</summary>
    public string Tail()
    {
        var text = Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/self/fd/{Descriptor.Number}")).TrimEnd('\0');
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var printable = string.Concat(string.Join("; ", lines).Where(character => !char.IsControl(character)));
        return printable.Length <= TailCharacters ? printable : printable[^TailCharacters..];
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
