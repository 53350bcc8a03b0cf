using System.Text;
using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>Lines on standard error, which the launcher keeps as the sandbox's log file. For rare events only: nothing limits the file.</summary>
internal static unsafe class GuestLog
{
    /// <summary>Writes one line. A full disk or a closed log must not harm a shell, so a failed write is the one error that is dropped.</summary>
    public static void Write(string line)
    {
        var bytes = Encoding.UTF8.GetBytes($"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ssZ} {line}\n");
        fixed (byte* start = bytes)
            _ = Libc.Write(2, start, (nuint)bytes.Length);
    }
}
