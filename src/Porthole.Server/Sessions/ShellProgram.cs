using Porthole.Protocol.Link;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Sessions;

/// <summary>What runs in a session, and in which environment: an allow-list, nothing of the server's own (contract section 10).</summary>
internal static class ShellProgram
{
    private const string SessionId = "PORTHOLE_SESSION_ID", ShellId = "PORTHOLE_SHELL_ID";
    private const string Path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    // Of an image: its profile is read, as at a login, but must not set the image's PATH back, as the one of most distributions does.
    private const string AfterProfile = """PATH=$1; export PATH; exec "$0" -i""";

    /// <summary>
    /// A variable of the runtime that says whose shells are, in the form of an image's User and in the place of it. The service's API has no
    /// field for it.
    /// </summary>
    public const string UserVariable = "PORTHOLE_SHELL_USER";

    /// <summary>The shell of a terminal: a login shell, of the image's user.</summary>
    public static ProgramSpec For(Session session, string shellId)
    {
        var (image, shell) = (session.Image.Configuration, session.Image.Shell);
        var user = session.Deployment.Configuration.EnvironmentVariables.GetValueOrDefault(UserVariable, image.User);
        string[] environment = [.. Environment(session, user), "TERM=xterm-256color", "COLORTERM=truecolor", $"{ShellId}={shellId}"];
        string[] login = session.Image.RootDirectory is null
            ? [shell, "--login"]
            : [shell, "-l", "-c", AfterProfile, shell, environment.Last(static entry => entry.StartsWith("PATH=", StringComparison.Ordinal))["PATH=".Length..]];
        return new ProgramSpec(user.Length == 0 ? login : [ProgramSpec.GuestItself, "run-as", user, .. login], environment, image.WorkingDirectory);
    }

    /// <summary>A command without a terminal.</summary>
    /// <param name="session">Where it runs.</param>
    /// <param name="command">Text for <c>bash -c</c> (contract section 8).</param>
    /// <param name="trace">The trace that it belongs to.</param>
    public static ProgramSpec ForCommand(Session session, string command, TraceContext trace) =>
        new([session.Image.Shell, "-c", command], [.. Environment(session, ""), .. trace.Environment()], session.Image.Configuration.WorkingDirectory);

    // What comes later counts: the image's word more than the usual, the runtime's more than the image's. What a session is called is
    // neither's to say. Commands are root whatever the image's user is (contract section 8); who a named user is, the guest looks up.
    private static IEnumerable<string> Environment(Session session, string user)
    {
        var variables = session.Deployment.Configuration.EnvironmentVariables.Select(static variable => $"{variable.Key}={variable.Value}");
        string[] root = user.Length == 0 ? ["HOME=/root", "USER=root", "LOGNAME=root"] : [];
        string[] usual = [.. root, $"SHELL={session.Image.Shell}", Path, "LANG=C.UTF-8"];
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in usual.Concat(session.Image.Configuration.Environment).Concat(variables))
            merged[NameOf(entry)] = entry;
        return
        [
            .. merged.Where(static entry => entry.Key is not (SessionId or ShellId or "TERM" or "COLORTERM")).Select(static entry => entry.Value),
            $"{SessionId}={session.Key.SessionId}",
        ];
    }

    private static string NameOf(string pair) => pair[..pair.IndexOf('=')];
}
