using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>Resource limits of setrlimit(2), inherited by all that this process becomes.</summary>
internal static unsafe class Limits
{
    // systemd's default for services and logins: programs that use select(2) rely on the low soft limit, the others raise it themselves.
    private const ulong SoftOpenFiles = 1024;

    /// <summary>Lowers a limit, or raises it as far as the present hard limit allows.</summary>
    public static void Set(string name, ulong value)
    {
        var resource = name switch
        {
            "core" => Libc.RLIMIT_CORE,
            "file-size" => Libc.RLIMIT_FSIZE,
            "open-files" => Libc.RLIMIT_NOFILE,
            "processes" => Libc.RLIMIT_NPROC,
            _ => throw new ArgumentException($"unknown limit {name}"),
        };

        Libc.RLimit limit;
        if (Libc.GetRLimit(resource, &limit) < 0)
            throw PosixException.FromLast($"read the limit {name}");
        limit.Hard = Math.Min(limit.Hard, value);
        limit.Soft = resource == Libc.RLIMIT_NOFILE ? Math.Min(limit.Hard, SoftOpenFiles) : limit.Hard;
        if (Libc.SetRLimit(resource, &limit) < 0)
            throw PosixException.FromLast($"set the limit {name}");
    }
}
