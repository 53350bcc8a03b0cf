using Porthole.Posix;

namespace Porthole.Guest.Machine;

/// <summary>
/// Files that the first shell of nearly every machine reads. Read once while the machine may still become a template, they lie in memory that all
/// copies share; otherwise each would read, unpack and keep its own.
/// </summary>
internal static unsafe class CommonFiles
{
    // openat2(2)
    private const ulong ResolveInRoot = 0x10;

    // More than the largest of them has.
    private const int MostBytes = 4 << 20;

    private static readonly string[] Paths =
    [
        "bin/bash", "lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libtinfo.so.6",
        "lib/x86_64-linux-gnu/libselinux.so.1", "lib/x86_64-linux-gnu/libpcre2-8.so.0", "etc/ld.so.cache", "etc/profile", "etc/bash.bashrc", "bin/ls", "bin/cat",
    ];

    /// <summary>Reads those that are there.</summary>
    /// <param name="root">Where the disk is mounted; no link in it leads out of it, and no device in it works.</param>
    public static void Read(string root)
    {
        using var directory = Descriptor.OpenDirectory(root);
        var buffer = new byte[64 * 1024];
        foreach (var path in Paths)
        {
            using var file = TryOpen(directory, path);
            fixed (byte* start = buffer)
            {
                for (var read = 0L; file is not null && read < MostBytes;)
                {
                    var count = Libc.Read(file.Number, start, (nuint)buffer.Length);
                    if (count <= 0)
                        break;
                    read += count;
                }
            }
        }
    }

    private static Descriptor? TryOpen(Descriptor directory, string path)
    {
        // struct open_how: flags, mode, resolve. Without waiting: it may be a pipe.
        var how = stackalloc ulong[] { Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0, ResolveInRoot };
        var bytes = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        fixed (byte* name = bytes)
        {
            var opened = new Descriptor((int)Libc.Syscall(Libc.SYS_openat2, directory.Number, (nint)name, (nint)how, 3 * sizeof(ulong)));
            return opened.IsInvalid ? null : opened;
        }
    }
}
