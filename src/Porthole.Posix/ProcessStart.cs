using System.Runtime.InteropServices;

namespace Porthole.Posix;

/// <summary>
/// How to start a process with posix_spawn(3): signals as a login would set them, in a session of its own,
/// and with exactly the descriptors named here.
/// </summary>
public sealed unsafe class ProcessStart
{
    // glibc's posix_spawnattr_t is 336 bytes and posix_spawn_file_actions_t 80; sigset_t is 128. Opaque to us, so with room to spare.
    private const int OpaqueBytes = 512;

    /// <summary>F_DUPFD_CLOEXEC of fcntl(2).</summary>
    private const int DuplicateCloseOnExec = 1030;

    /// <summary>The program's file; not searched for in PATH.</summary>
    public required string Path { get; init; }

    /// <summary>The arguments, the first of them the program's name for itself.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment as NAME=value.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    /// <summary>Where it starts; null for the parent's own directory.</summary>
    public string? Directory { get; init; }

    /// <summary>
    /// Slave device of a terminal, which becomes the controlling terminal and descriptors 0, 1 and 2; null for none,
    /// and then those of <see cref="Descriptors"/> that are not named are /dev/null.
    /// </summary>
    public string? Terminal { get; init; }

    /// <summary>The parent's descriptors that the child gets, in order from 0; -1 stands for /dev/null.</summary>
    public IReadOnlyList<int> Descriptors { get; init; } = [];

    /// <summary>Starts the process as leader of a new session and process group.</summary>
    /// <returns>Its process id; the caller must wait for it.</returns>
    /// <exception cref="PosixException">It could not be started: the program is missing, not executable, or a limit is reached.</exception>
    public int Start()
    {
        var actions = stackalloc byte[OpaqueBytes];
        var attributes = stackalloc byte[OpaqueBytes];
        Check(Libc.SpawnActionsInit(actions));
        Check(Libc.SpawnAttrInit(attributes));
        var held = new List<Descriptor>();
        var strings = new List<nint>();
        try
        {
            ResetSignals(attributes);
            if (Directory is not null)
                Check(Libc.SpawnActionsAddChdir(actions, Hold(strings, Directory)));
            var next = Terminal is null ? PlanDescriptors(actions, held, strings) : PlanTerminal(actions, strings, Terminal);
            Check(Libc.SpawnActionsAddCloseFrom(actions, next));

            using var arguments = new CStrings(Arguments);
            using var environment = new CStrings(Environment);
            int pid;
            var error = Libc.PosixSpawn(&pid, Hold(strings, Path), actions, attributes, arguments.Pointer, environment.Pointer);
            return error == 0 ? pid : throw new PosixException($"start {Path}", error);
        }
        finally
        {
            held.ForEach(descriptor => descriptor.Dispose());
            strings.ForEach(text => NativeMemory.Free((void*)text));
            _ = Libc.SpawnActionsDestroy(actions);
            _ = Libc.SpawnAttrDestroy(attributes);
        }
    }

    private static void ResetSignals(byte* attributes)
    {
        // .NET ignores SIGPIPE; a child that inherited that would never end in a pipeline.
        var set = stackalloc byte[OpaqueBytes];
        _ = Libc.SigFillSet(set);
        Check(Libc.SpawnAttrSetSigDefault(attributes, set));
        _ = Libc.SigEmptySet(set);
        Check(Libc.SpawnAttrSetSigMask(attributes, set));
        Check(Libc.SpawnAttrSetFlags(attributes, Libc.POSIX_SPAWN_SETSID | Libc.POSIX_SPAWN_SETSIGDEF | Libc.POSIX_SPAWN_SETSIGMASK));
    }

    private static int PlanTerminal(byte* actions, List<nint> strings, string terminal)
    {
        // Opened first and without O_NOCTTY by the leader of a new session: that is what makes it the controlling terminal (tty_ioctl(4)).
        Check(Libc.SpawnActionsAddOpen(actions, 0, Hold(strings, terminal), Libc.O_RDWR, 0));
        Check(Libc.SpawnActionsAddDup2(actions, 0, 1));
        Check(Libc.SpawnActionsAddDup2(actions, 0, 2));
        return 3;
    }

    private int PlanDescriptors(byte* actions, List<Descriptor> held, List<nint> strings)
    {
        var count = Math.Max(3, Descriptors.Count);
        var devNull = Hold(strings, "/dev/null");
        for (var target = 0; target < count; target++)
        {
            var source = target < Descriptors.Count ? Descriptors[target] : -1;
            if (source < 0)
            {
                Check(Libc.SpawnActionsAddOpen(actions, target, devNull, Libc.O_RDWR, 0));
                continue;
            }

            // Moved above all targets first: a later dup2 must not overwrite a source that is still needed.
            var copy = Libc.Fcntl(source, DuplicateCloseOnExec, count);
            if (copy < 0)
                throw PosixException.FromLast($"duplicate descriptor {source}");
            held.Add(new Descriptor(copy));
            Check(Libc.SpawnActionsAddDup2(actions, copy, target));
        }

        return count;
    }

    private static byte* Hold(List<nint> strings, string text)
    {
        var copy = CStrings.Copy(text);
        strings.Add((nint)copy);
        return copy;
    }

    private static void Check(int error)
    {
        if (error != 0)
            throw new PosixException("posix_spawn", error);
    }
}
