using System.Runtime.InteropServices;
using Porthole.Posix;

namespace Porthole.Server.Shells;

/// <summary>
/// How far a shell's output has been delivered, in a file of the session directory that is mapped into memory: a store costs nothing,
/// and what was stored survives the server's death by any signal.
/// </summary>
/// <remarks>
/// A signal may also come between the send of a frame and the store that notes it. So the frame is announced first and sent through
/// <see cref="Receipt"/>, where the kernel itself stores how much it took, in the same system call: nothing can come between.
/// Whoever opens the file next compares the two.
/// </remarks>
internal sealed unsafe class ShellCursor : IDisposable
{
    private Record* _map;

    /// <summary>Opens the file, or makes it.</summary>
    /// <exception cref="IOException">The disk is full or the directory is gone.</exception>
    public static ShellCursor Open(string path)
    {
        try
        {
            return new ShellCursor(path);
        }
        catch (IOException full) when (full.HResult == Errno.ENOSPC)
        {
            throw new IOException("the server's disk is full: free space there, then connect again", full);
        }
    }

    private ShellCursor(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        if (file.Length < sizeof(Record))
        {
            // Written, not only extended: a store into a hole of a mapping on a full disk would kill the process (SIGBUS).
            var missing = new byte[sizeof(Record) - file.Length];
            file.Seek(0, SeekOrigin.End);
            file.Write(missing);
            file.Flush();
        }

        var map = Libc.MMap(null, (nuint)sizeof(Record), Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, (int)file.SafeFileHandle.DangerousGetHandle(), 0);
        if ((nint)map == -1)
            throw PosixException.FromLast($"map {path}");
        _map = (Record*)map;
        if (Live->Announced > Live->Offset && Live->Receipt.Sent >= Live->AnnouncedBytes)
            Offset = Live->Announced;
    }

    /// <summary>Which shell of this name the offset belongs to; 0 before there was one.</summary>
    public long Incarnation => Volatile.Read(ref Live->Incarnation);

    /// <summary>Offset after the last output byte that was delivered. Setting it ends an announcement.</summary>
    public long Offset
    {
        get => Volatile.Read(ref Live->Offset);
        set
        {
            Volatile.Write(ref Live->Offset, value);
            Volatile.Write(ref Live->Announced, 0);
        }
    }

    /// <summary>What the client's socket is written through; valid until the cursor is disposed of.</summary>
    public Libc.MMsgHdr* Receipt => &Live->Receipt;

    /// <summary>Says what the next send is: when the kernel takes all of it, output has been handed over up to an offset.</summary>
    /// <param name="offset">Offset after the last output byte in it.</param>
    /// <param name="bytes">Its length on the wire, up to the end of a frame: a client never sees half of one.</param>
    public void Announce(long offset, int bytes)
    {
        Volatile.Write(ref Live->Receipt.Sent, 0);
        Volatile.Write(ref Live->AnnouncedBytes, (uint)bytes);
        Volatile.Write(ref Live->Announced, offset);
    }

    /// <summary>Begins to follow another shell of the same name.</summary>
    public void Follow(long incarnation, long offset)
    {
        Offset = offset;
        Volatile.Write(ref Live->Incarnation, incarnation);
    }

    public void Dispose()
    {
        if (_map != null)
            _ = Libc.MUnmap(_map, (nuint)sizeof(Record));
        _map = null;
    }

    // A mistake must not end the process, and with it every connection.
    private Record* Live => _map != null ? _map : throw new ObjectDisposedException(nameof(ShellCursor));

    // Only ever extended at the end: a server finds the files of the one before it.
    [StructLayout(LayoutKind.Sequential)]
    private struct Record
    {
        public long Incarnation;
        public long Offset;
        public long Announced;
        public uint AnnouncedBytes;
        public Libc.MMsgHdr Receipt;
    }
}
