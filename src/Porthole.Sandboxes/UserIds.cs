using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// Gives every live sandbox a user id of its own, so that the kernel keeps their files, processes and keyrings apart
/// even where namespaces would not.
/// </summary>
internal sealed class UserIds(uint first, int count)
{
    private readonly HashSet<uint> _taken = [];

    // A random start: two servers of one host that share the range do not meet, and an id is not used again soon.
    private int _next = Random.Shared.Next(count);

    /// <summary>Takes an id that no sandbox of ours and no process of this host has.</summary>
    /// <exception cref="SandboxException">All are in use.</exception>
    public uint Take()
    {
        lock (_taken)
        {
            for (var tries = 0; tries < count; tries++)
            {
                var candidate = first + (uint)_next;
                _next = (_next + 1) % count;
                if (!HasProcesses(candidate) && _taken.Add(candidate))
                    return candidate;
            }
        }

        throw new SandboxException($"all {count} user ids from {first} on are in use: stop sessions, or widen the range in the settings");
    }

    /// <summary>Marks the id of an adopted sandbox.</summary>
    public void Adopt(uint id)
    {
        lock (_taken)
            _taken.Add(id);
    }

    /// <summary>Gives an id back once nothing runs under it.</summary>
    public void Release(uint id)
    {
        lock (_taken)
            _taken.Remove(id);
    }

    // getpriority(2) fails with ESRCH exactly when no process has that real user id; unlike a walk through /proc it is one call.
    private static bool HasProcesses(uint id) => Libc.GetPriority(Libc.PRIO_USER, id) != -1 || Errno.Last != Errno.ESRCH;
}
