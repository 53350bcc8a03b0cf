using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Porthole.Posix;

namespace Porthole.Server.Store;

/// <summary>
/// The right to change a data directory. It is a lock of the kernel on a file that also names the holder, so it ends with the process,
/// and a file left behind by a crash means nothing. Sandboxes outlive the server but never inherit the descriptor.
/// </summary>
public sealed class DataDirectoryLock : IDisposable
{
    private const uint OwnerOnly = 0x180; // 0600

    // Whoever looks for the holder shares the lock for an instant, which must not make a server's start fail.
    private static readonly TimeSpan LooksAreOver = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly SafeFileHandle _file;

    private DataDirectoryLock(DataDirectory directory, SafeFileHandle file)
    {
        Directory = directory;
        _file = file;
    }

    /// <summary>The directory that is held.</summary>
    public DataDirectory Directory { get; }

    internal static DataDirectoryLock Take(DataDirectory directory)
    {
        var file = Open(directory.PidPath, Libc.O_RDWR | Libc.O_CREAT)
            ?? throw new DataDirectoryException($"The data directory {directory.FullPath} cannot be locked: {new PosixException("open server.pid", Errno.Last).Message}. Check that you own it.");
        try
        {
            var started = Stopwatch.GetTimestamp();
            while (!TryLock(file, Libc.LOCK_EX))
            {
                if (Stopwatch.GetElapsedTime(started) > LooksAreOver) throw new DataDirectoryInUseException(directory.FullPath, ReadPid(file));
                Thread.Sleep(Pause);
            }

            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")), 0);
            return new DataDirectoryLock(directory, file);
        }
        catch (IOException e)
        {
            file.Dispose();
            throw new DataDirectoryException($"The data directory {directory.FullPath} cannot be locked: {e.Message}", e);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    internal static int? FindHolder(DataDirectory directory)
    {
        using var file = Open(directory.PidPath, Libc.O_RDONLY);
        return file is null || TryLock(file, Libc.LOCK_SH) ? null : ReadPid(file);
    }

    /// <summary>Gives the directory free.</summary>
    public void Dispose() => _file.Dispose();

    private static unsafe SafeFileHandle? Open(string path, int flags)
    {
        var name = CStrings.Copy(path);
        try
        {
            // Not File.Open: it would lock the file by rules of its own.
            var fd = Libc.Open(name, flags | Libc.O_CLOEXEC, OwnerOnly);
            return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
        }
        finally
        {
            NativeMemory.Free(name);
        }
    }

    private static bool TryLock(SafeFileHandle file, int kind)
    {
        if (Libc.Flock((int)file.DangerousGetHandle(), kind | Libc.LOCK_NB) == 0) return true;
        return Errno.Last is Errno.EAGAIN or Errno.EINTR ? false : throw PosixException.FromLast("flock server.pid");
    }

    private static int? ReadPid(SafeFileHandle file)
    {
        Span<byte> text = stackalloc byte[16];
        var length = RandomAccess.Read(file, text, 0);
        return int.TryParse(text[..length].Trim((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
    }
}
