using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>
/// User and group ids of a session's own: a user namespace that says which they are, and mounts whose files are seen as theirs although
/// the disk has other owners (mount_setattr(2), "ID-mapped mounts").
/// </summary>
internal static unsafe class MappedIds
{
    private static int _namespace = -1;

    /// <summary>Makes the namespace, which belongs to the first of the ids, and keeps it at a descriptor that exists.</summary>
    public static void Make(string unshare, uint first, uint count, int descriptor)
    {
        // A process of several threads, as this one is, cannot enter a new one. Another does, and stays for as long as it takes to get hold of it.
        var (answer, answering) = Descriptor.Pipe();
        var (question, asking) = Descriptor.Pipe();
        int pid;
        using (answering)
        using (question)
        {
            pid = new ProcessStart
            {
                Path = "/proc/self/exe",
                Arguments = ["porthole-launch", "user", $"{first}", "exec", unshare, "--user", "--", "/bin/cat"],
                Environment = [],
                Descriptors = [question.Number, answering.Number, 2],
            }.Start();
        }

        using (answer)
        {
            using (asking)
            {
                Echo(asking, answer);
                File.WriteAllText($"/proc/{pid}/gid_map", $"0 {first} {count}");
                File.WriteAllText($"/proc/{pid}/uid_map", $"0 {first} {count}");
                using var made = Descriptor.Open($"/proc/{pid}/ns/user", Libc.O_RDONLY);
                _namespace = Libc.Dup2(made.Number, descriptor);
                if (_namespace < 0)
                    throw PosixException.FromLast("keep a user namespace");
            }
        }

        int status;
        _ = Libc.WaitPid(pid, &status, 0);
    }

    /// <summary>Shows a directory at a second place, which is made, with the namespace's ids: what root owns there is the first id's here.</summary>
    public static void Bind(string source, string target, bool readOnly)
    {
        Directory.CreateDirectory(target);
        using var mount = new Descriptor(Libc.CloneMount(source));
        if (mount.IsInvalid)
            throw PosixException.FromLast($"take {source}");
        const ulong always = Libc.MOUNT_ATTR_IDMAP | Libc.MOUNT_ATTR_NOSUID | Libc.MOUNT_ATTR_NODEV;
        if (Libc.SetMountAttributes(mount.Number, readOnly ? always | Libc.MOUNT_ATTR_RDONLY : always, _namespace) < 0)
            throw PosixException.FromLast($"map the owners of {source}");
        if (Libc.ShowMount(mount.Number, target) < 0)
            throw PosixException.FromLast($"bind {source} to {target}");
    }

    // cat(1) answers once it runs, and it runs in the namespace.
    private static void Echo(Descriptor asking, Descriptor answer)
    {
        byte word = 1;
        if (Libc.Write(asking.Number, &word, 1) != 1 || Libc.Read(answer.Number, &word, 1) != 1)
            throw new IOException("make a user namespace: the kernel refused, or unshare is missing");
    }
}
