using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>Who this process is, and what it becomes.</summary>
internal static unsafe class Credentials
{
    /// <summary>Turns into a user id with the group of the same number and no others, for good, with a session keyring of its own (keyrings(7)).</summary>
    public static void Become(uint user)
    {
        // No keyrings in this kernel is as good.
        if (Libc.JoinNewSessionKeyring() < 0 && Errno.Last != Errno.ENOSYS)
            throw PosixException.FromLast("make a session keyring");
        if (Libc.SetGroups(0, null) < 0 || Libc.SetResGid(user, user, user) < 0 || Libc.SetResUid(user, user, user) < 0)
            throw PosixException.FromLast($"become user {user}");
    }

    /// <summary>Replaces this process; returns only by an exception.</summary>
    public static void Exec(ReadOnlySpan<string> command)
    {
        if (Libc.Prctl(Libc.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            throw PosixException.FromLast("give up new privileges");

        // .NET ignores SIGPIPE; what we become must not.
        _ = Libc.Signal(Libc.SIGPIPE, 0);
        using var arguments = new CStrings(command.ToArray());

        // The one variable that the server set names the sandbox, so that its processes can be found (see ProcessTable).
        var marker = Environment.GetEnvironmentVariable(MarkerVariable);
        using var environment = new CStrings(marker is null ? [] : [$"{MarkerVariable}={marker}"]);
        _ = Libc.Execve(arguments.Pointer[0], arguments.Pointer, environment.Pointer);
        throw PosixException.FromLast($"run {command[0]}");
    }

    private const string MarkerVariable = "PORTHOLE_SANDBOX";
}
