using System.CommandLine;
using Porthole.Cli.Terminal;
using Porthole.Posix;
using Porthole.Server;
using Porthole.Server.Store;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole stop</c>: ends the server of a data directory, and its sessions when asked to.</summary>
internal static class StopCommand
{
    // The grace times of shells and sandboxes add up to some ten seconds at most.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    public static Command Create()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var all = new Option<bool>("--all") { Description = "End every session too" };
        var command = new PortholeCommand("stop", "Stop the server of a data directory")
        {
            Notes =
            [
                "Without --all the sessions go on, and the next server on the same data directory takes them over. With --all nothing is left, also when "
                    + "the server is gone already and only its sessions run.",
            ],
            Examples = [new("porthole stop", "the server only"), new("porthole stop --data-dir DIR --all", "the server and every session")],
            ExitCodes = [("1", "it could not be stopped")],
            Options = { all, dataDirectory },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(
            ExitCode.Failure, () => RunAsync(parsed.GetValue(dataDirectory)!, parsed.GetValue(all), cancellation)));
        return command;
    }

    private static async Task<int> RunAsync(string path, bool all, CancellationToken cancellation)
    {
        var data = DataDirectory.Existing(path);
        if (data.FindServer() is { } pid)
        {
            if (all) await EndSessionsAsync(path, cancellation);
            await StopServerAsync(data, pid, cancellation);
            return ExitCode.Success;
        }

        if (!all)
        {
            StandardStream.Write(StandardStream.Error, $"porthole: no server runs on {data.FullPath}\n");
            return ExitCode.Success;
        }

        var ended = await PortholeServer.EndSessionsAsync(new ServerOptions { DataDirectory = path }, cancellation);
        StandardStream.Write(StandardStream.Error, $"porthole: no server runs on {data.FullPath}; ended {ended} session(s) that it had left\n");
        return ExitCode.Success;
    }

    private static async Task EndSessionsAsync(string path, CancellationToken cancellation)
    {
        using var target = Target.OfDataDirectory(path, []);
        await target.Client.ShutDownServerAsync(endSessions: true, cancellation);
    }

    private static async Task StopServerAsync(DataDirectory data, int pid, CancellationToken cancellation)
    {
        // The lock says that this process is the server: its number cannot have been given to another one while it is held.
        if (Libc.Kill(pid, Libc.SIGTERM) < 0 && Errno.Last != Errno.ESRCH) throw PosixException.FromLast($"stop the server, process {pid}");
        var start = TimeProvider.System.GetTimestamp();
        while (data.FindServer() == pid)
        {
            if (TimeProvider.System.GetElapsedTime(start) > Patience)
                throw new CommandFailedException($"The server, process {pid}, was asked to stop and has not. End it with: kill -9 {pid}");
            await Task.Delay(Look, cancellation);
        }
    }
}
