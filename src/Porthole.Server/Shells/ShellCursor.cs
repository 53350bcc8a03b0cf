using Porthole.Posix;

namespace Porthole.Server.Shells;

/// <summary>
/// How far a shell's output has been delivered, in a file of the session directory that is mapped into memory: a store costs nothing,
/// and what was stored survives the server's death by any signal.
/// </summary>
internal sealed unsafe class ShellCursor : IDisposable
{
    private const int Bytes = 16;

    private readonly long* _map;

    /// <summary>Opens the file, or makes it.</summary>
    /// <exception cref="IOException">The disk is full or the directory is gone.</exception>
    public ShellCursor(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        if (file.Length < Bytes)
        {
            // Written, not only extended: a store into a hole of a mapping on a full disk would kill the process (SIGBUS).
            file.Write(new byte[Bytes]);
            file.Flush();
        }

        var map = Libc.MMap(null, Bytes, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, (int)file.SafeFileHandle.DangerousGetHandle(), 0);
        if ((nint)map == -1)
            throw PosixException.FromLast($"map {path}");
        _map = (long*)map;
    }

    /// <summary>Which shell of this name the offset belongs to; 0 before there was one.</summary>
    public long Incarnation => Volatile.Read(ref _map[0]);

    /// <summary>Offset after the last output byte that was delivered.</summary>
    public long Offset
    {
        get => Volatile.Read(ref _map[1]);
        set => Volatile.Write(ref _map[1], value);
    }

    /// <summary>Begins to follow another shell of the same name.</summary>
    public void Follow(long incarnation, long offset)
    {
        Volatile.Write(ref _map[1], offset);
        Volatile.Write(ref _map[0], incarnation);
    }

    public void Dispose() => _ = Libc.MUnmap(_map, Bytes);
}
