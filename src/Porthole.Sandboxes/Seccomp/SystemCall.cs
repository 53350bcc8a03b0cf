namespace Porthole.Sandboxes.Seccomp;

/// <summary>A system call by its number on each architecture (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h).</summary>
/// <param name="Name">As its man page calls it.</param>
/// <param name="X64">Number on x86-64.</param>
/// <param name="Arm64">Number on arm64; null where it does not exist.</param>
internal sealed record SystemCall(string Name, uint X64, uint? Arm64)
{
    /// <summary>A call newer than 2018: the number is the same everywhere.</summary>
    public SystemCall(string name, uint number) : this(name, number, number)
    {
    }
}
