using Porthole.Posix;

namespace Porthole.Guest.Machine;

/// <summary>Kernel modules that lie in the initial file system.</summary>
internal static class KernelModules
{
    /// <summary>Loads all modules of a directory in the order of their names, which whoever put them there has chosen.</summary>
    /// <exception cref="PosixException">The kernel refused one.</exception>
    public static unsafe void Load(string directory)
    {
        foreach (var path in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal))
        {
            using var file = Descriptor.Open(path, Libc.O_RDONLY);
            byte none = 0;
            if (Libc.Syscall(Libc.SYS_finit_module, file.Number, (nint)(&none), 0, 0) < 0 && Errno.Last != Errno.EEXIST)
                throw PosixException.FromLast($"load {path}");
        }
    }
}
