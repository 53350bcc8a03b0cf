using System.CommandLine;
using Porthole.Cli.Terminal;
using Porthole.Client;
using Porthole.Posix;
using Porthole.Server;
using Porthole.Server.Store;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole stop</c>: ends the server of a data directory, and its sessions when asked to.</summary>
internal static class StopCommand
{
    // The grace times of shells and sandboxes add up to some ten seconds at most.
    private const int DefaultTimeoutSeconds = 60, MaxTimeoutSeconds = 3600;

    // Nobody announces that a process which is not one's child has released its lock.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    public static Command Create()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var all = new Option<bool>("--all") { Description = "End every session too" };
        var timeout = new Option<int>("--timeout")
        {
            Description = "Seconds to wait for the server to end",
            HelpName = "S",
            DefaultValueFactory = _ => DefaultTimeoutSeconds,
        };
        timeout.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MaxTimeoutSeconds) result.AddError($"--timeout goes from 1 to {MaxTimeoutSeconds} seconds");
        });
        var command = new PortholeCommand("stop", "Stop the server of a data directory")
        {
            Notes =
            [
                "Without --all the sessions go on, and the next server on the same data directory takes them over. With --all nothing is left, also when "
                    + "the server is gone already and only its sessions run. When there is nothing to stop, that is said and is no failure.",
            ],
            Examples = [new("porthole stop", "the server only"), new("porthole stop --data-dir DIR --all", "the server and every session")],
            ExitCodes = [("1", "no server has ever used the data directory, or something could not be stopped; the message says what to do")],
            Options = { all, timeout, dataDirectory },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            var data = DataDirectory.Existing(parsed.GetValue(dataDirectory)!);
            var bound = TimeSpan.FromSeconds(parsed.GetValue(timeout));
            var pid = data.FindServer();
            if (pid is { } server) await StopServerAsync(data, server, parsed.GetValue(all), bound, cancellation);
            else StandardStream.Write(StandardStream.Error, $"porthole: no server runs on {data.FullPath}\n");
            if (parsed.GetValue(all)) await EndWhatIsLeftAsync(data, cancellation);
            return ExitCode.Success;
        }));
        return command;
    }

    private static async Task StopServerAsync(DataDirectory data, int pid, bool endSessions, TimeSpan bound, CancellationToken cancellation)
    {
        using var expiry = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        expiry.CancelAfter(bound);
        try
        {
            if (endSessions) await EndSessionsAsync(data, expiry.Token);

            // The lock says that this process is the server: its number cannot have been given to another one while it is held.
            if (data.FindServer() == pid && Libc.Kill(pid, Libc.SIGTERM) < 0 && Errno.Last != Errno.ESRCH)
                throw PosixException.FromLast($"stop the server, process {pid}");
            while (data.FindServer() == pid)
                await Task.Delay(Look, expiry.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandFailedException(
                $"The server, process {pid}, was asked to stop and has not in {bound.TotalSeconds:0} s. Wait longer with --timeout, or end it with: kill -9 {pid}");
        }
    }

    // The server tells the shells that their session has ended, which those who end the sandboxes behind its back cannot.
    private static async Task EndSessionsAsync(DataDirectory data, CancellationToken cancellation)
    {
        try
        {
            using var target = Target.OfDataDirectory(data.FullPath, []);
            await target.Client.ShutDownServerAsync(endSessions: true, cancellation);
        }
        catch (Exception e) when (e is AgentCoreException or CommandFailedException)
        {
            StandardStream.Write(StandardStream.Error, $"porthole: the server did not end its sessions, so they are ended after it: {Failures.Describe(e)}\n");
        }
    }

    private static async Task EndWhatIsLeftAsync(DataDirectory data, CancellationToken cancellation)
    {
        if (!Directory.EnumerateDirectories(data.SessionsPath).Any()) return;
        var ended = await PortholeServer.EndSessionsAsync(new ServerOptions { DataDirectory = data.FullPath }, cancellation);
        StandardStream.Write(StandardStream.Error, $"porthole: ended {ended} session{(ended == 1 ? "" : "s")} that no server held any more\n");
    }
}
