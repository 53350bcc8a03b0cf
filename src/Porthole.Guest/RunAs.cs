using System.Runtime.InteropServices;
using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>Becomes another user of the sandbox and then another program, as container tools start the program of an image.</summary>
internal static unsafe class RunAs
{
    // What env(1) answers with when the program itself was never reached, and when it was not found.
    private const int Failed = 125, NotFound = 127;

    /// <summary>Returns only when it failed, with an exit code; why stands on standard error.</summary>
    /// <param name="user">user, uid, user:group, uid:gid, uid:group or user:gid (OCI image-spec, config.md).</param>
    /// <param name="command">The program and its arguments.</param>
    public static int Exec(string user, ReadOnlySpan<string> command)
    {
        if (Account.Find(user, ReadLines("/etc/passwd"), ReadLines("/etc/group")) is not { } account)
            return Fail($"the image wants to run as {user}, which its /etc/passwd and /etc/group do not know", Failed);
        var isThatAlready = account.UserId == Libc.GetEUid() && account.GroupId == Libc.GetEGid();
        if (!isThatAlready && IsOnlyUser())
            GuestLog.Write($"this sandbox has no user but root, since its server is no root itself: running as root instead of {user}");
        else if (!isThatAlready && !TryBecome(account))
            return Fail($"cannot run as {user}: {Errno.Describe(Errno.Last)}", Failed);

        // .NET ignores SIGPIPE; what we become must not.
        _ = Libc.Signal(Libc.SIGPIPE, Libc.SIG_DFL);
        var environment = Environment(account);
        var program = ProgramStart.TryFind(command[0], environment);
        if (program is null)
            return Fail($"{command[0]}: {Errno.Describe(Errno.ENOENT)}", NotFound);
        using var arguments = new CStrings(command.ToArray());
        using var variables = new CStrings(environment);
        var path = CStrings.Copy(program);
        _ = Libc.Execve(path, arguments.Pointer, variables.Pointer);
        var failure = Errno.Last;
        NativeMemory.Free(path);
        return Fail($"{command[0]}: {Errno.Describe(failure)}", failure == Errno.ENOENT ? NotFound : Failed);
    }

    // user_namespaces(7): a line for each range of ids, the last word of which is how many they are.
    private static bool IsOnlyUser() => ReadLines("/proc/self/uid_map") is [var range] && range.AsSpan().Trim().EndsWith(" 1");

    private static bool TryBecome(Account account)
    {
        // Programs open the terminal that they run in by its name.
        if (Libc.IsATty(0) == 1)
            _ = Libc.FChown(0, account.UserId, uint.MaxValue);
        fixed (uint* groups = account.Groups)
        {
            return Libc.SetGroups((nuint)account.Groups.Length, groups) == 0
                && Libc.SetResGid(account.GroupId, account.GroupId, account.GroupId) == 0
                && Libc.SetResUid(account.UserId, account.UserId, account.UserId) == 0;
        }
    }

    // What nobody says otherwise is the account's.
    private static string[] Environment(Account account)
    {
        var variables = new List<string>();
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
            variables.Add($"{variable.Key}={variable.Value}");
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("HOME", account.Home), ("USER", account.Name), ("LOGNAME", account.Name)])
        {
            if (value is not null && !variables.Any(variable => variable.StartsWith(name + "=", StringComparison.Ordinal)))
                variables.Add($"{name}={value}");
        }

        return [.. variables];
    }

    private static string[] ReadLines(string file)
    {
        // Whoever is in the sandbox may have put anything there.
        const int maximumBytes = 4 << 20;
        try
        {
            return new FileInfo(file) is { Exists: true, Length: <= maximumBytes } ? File.ReadAllLines(file) : [];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static int Fail(string message, int code)
    {
        GuestLog.Write(message);
        return code;
    }
}
