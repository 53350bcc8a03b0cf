using Porthole.Protocol.Link;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Sessions;

/// <summary>What runs in a session, and in which environment: an allow-list, nothing of the server's own (contract section 10).</summary>
internal static class ShellProgram
{
    private const string SessionId = "PORTHOLE_SESSION_ID", ShellId = "PORTHOLE_SHELL_ID";
    private const string Path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The shell of a terminal: a login shell on the host's tools. Of an image none, because its profile would set the image's PATH back.</summary>
    public static ProgramSpec For(Session session, string shellId) => new(
        [session.Image.Shell, session.Image.RootDirectory is null ? "--login" : "-i"],
        [.. Environment(session), "TERM=xterm-256color", "COLORTERM=truecolor", $"{ShellId}={shellId}"],
        session.Image.Configuration.WorkingDirectory);

    /// <summary>A command without a terminal.</summary>
    /// <param name="session">Where it runs.</param>
    /// <param name="command">Text for <c>bash -c</c> (contract section 8).</param>
    /// <param name="trace">The trace that it belongs to.</param>
    public static ProgramSpec ForCommand(Session session, string command, TraceContext trace) =>
        new([session.Image.Shell, "-c", command], [.. Environment(session), .. trace.Environment()], session.Image.Configuration.WorkingDirectory);

    // What comes later counts: the image's word more than the usual, the runtime's more than the image's. What a session is called is
    // neither's to say, and shells and commands are root whatever the image's user is.
    private static IEnumerable<string> Environment(Session session)
    {
        var variables = session.Deployment.Configuration.EnvironmentVariables.Select(static variable => $"{variable.Key}={variable.Value}");
        string[] usual = ["HOME=/root", "USER=root", "LOGNAME=root", $"SHELL={session.Image.Shell}", Path, "LANG=C.UTF-8"];
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
