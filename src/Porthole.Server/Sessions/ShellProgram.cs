using Porthole.Protocol.Link;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Sessions;

/// <summary>What runs in a session, and in which environment: an allow-list, nothing of the server's own (contract section 10).</summary>
internal static class ShellProgram
{
    private const string SessionId = "PORTHOLE_SESSION_ID", ShellId = "PORTHOLE_SHELL_ID";
    private const string Path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The login shell of a terminal.</summary>
    public static ProgramSpec For(Session session, string shellId) => new(
        ["/bin/bash", "--login"],
        [.. Environment(session), "TERM=xterm-256color", "COLORTERM=truecolor", $"{ShellId}={shellId}"],
        "/");

    /// <summary>A command without a terminal.</summary>
    /// <param name="session">Where it runs.</param>
    /// <param name="command">Text for <c>bash -c</c> (contract section 8).</param>
    /// <param name="trace">The trace that it belongs to.</param>
    public static ProgramSpec ForCommand(Session session, string command, TraceContext trace) =>
        new(["/bin/bash", "-c", command], [.. Environment(session), .. trace.Environment()], "/");

    // The runtime's variables may be others of these; what a session is called is not theirs to say.
    private static IEnumerable<string> Environment(Session session)
    {
        var variables = session.Deployment.Configuration.EnvironmentVariables;
        string[] usual = ["HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", Path, "LANG=C.UTF-8"];
        return
        [
            .. usual.Where(pair => !variables.ContainsKey(NameOf(pair))),
            .. variables.Where(static variable => variable.Key is not (SessionId or ShellId or "TERM" or "COLORTERM")).Select(static variable => $"{variable.Key}={variable.Value}"),
            $"{SessionId}={session.Key.SessionId}",
        ];
    }

    private static string NameOf(string pair) => pair[..pair.IndexOf('=')];
}
