using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// Gives every live sandbox a user id of its own, so that the kernel keeps their files, processes and keyrings apart
/// even where namespaces would not.
/// </summary>
internal sealed class UserIds(uint first, int count)
{
    /// <summary>How many ids a sandbox has whose programs are several users: those of 16 bits, which is what images count on.</summary>
    public const uint RangeSize = 65536;

    // They lie behind the single ids. With the default for the first one they end with 31 bits, where programs that take ids for signed would fail.
    private const int Ranges = 4000;

    private readonly HashSet<uint> _taken = [];

    // A random start: two servers of one host that share the range do not meet, and an id is not used again soon.
    private int _next = Random.Shared.Next(count);
    private int _nextRange = Random.Shared.Next(Ranges);

    /// <summary>Takes an id that no sandbox of ours and no process of this host has.</summary>
    /// <exception cref="SandboxException">All are in use.</exception>
    public uint Take() => Take(ref _next, count, first, 1);

    /// <summary>Takes as many ids as an image may name; gives the first.</summary>
    /// <exception cref="SandboxException">All are in use.</exception>
    public uint TakeRange() => Take(ref _nextRange, Ranges, first + (uint)count, RangeSize);

    private uint Take(ref int next, int many, uint start, uint size)
    {
        lock (_taken)
        {
            for (var tries = 0; tries < many; tries++)
            {
                var candidate = start + ((uint)next * size);
                next = (next + 1) % many;
                if (!HasProcesses(candidate) && _taken.Add(candidate))
                    return candidate;
            }
        }

        throw new SandboxException($"all {many} user ids for sessions of this kind are in use: stop sessions, or choose another range in the settings");
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
