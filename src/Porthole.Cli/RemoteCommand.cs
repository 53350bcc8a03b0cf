using System.Runtime.InteropServices;
using Porthole.Client;
using Porthole.Posix;
using Porthole.Protocol.Shells;

namespace Porthole.Cli;

/// <summary>One command in a session, from its start to its exit code. Without a session to run in, it gets one of its own that ends with it.</summary>
internal sealed class RemoteCommand(Target target, string? runtime, string command, CommandOptions options, CommandOutput output) : IDisposable
{
    // A session ends in well under a second. Whoever waits for a command's result does not wait longer for tidying up.
    private static readonly TimeSpan TidyBound = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _cancelled = new();
    private int _signal;

    public async Task<int> RunAsync()
    {
        var arn = await target.FindRuntimeArnAsync(runtime, _cancelled.Token);
        var ownSession = options.SessionId is null ? SessionId.NewId() : null;
        using var interrupt = Leave(PosixSignal.SIGINT, Libc.SIGINT);
        using var terminate = Leave(PosixSignal.SIGTERM, Libc.SIGTERM);
        using var hangUp = Leave(PosixSignal.SIGHUP, Libc.SIGHUP);
        try
        {
            return await RunAsync(arn, options with { SessionId = options.SessionId ?? ownSession });
        }
        catch (OperationCanceledException)
        {
            return ExitCode.BySignal(_signal);
        }
        finally
        {
            if (ownSession is not null) await EndSessionAsync(arn, ownSession);
        }
    }

    public void Dispose()
    {
        _cancelled.Dispose();
        target.Dispose();
    }

    private async Task<int> RunAsync(string arn, CommandOptions withSession)
    {
        await using var running = await ServerBusy.PatientlyAsync(
            () => target.Client.InvokeCommandAsync(arn, command, withSession, _cancelled.Token), _cancelled.Token);
        await foreach (var happened in running.ReadAllAsync(_cancelled.Token))
        {
            switch (happened)
            {
                case CommandEvent.Stdout stdout when !output.OnStdout(stdout.Text):
                case CommandEvent.Stderr stderr when !output.OnStderr(stderr.Text):
                    return ExitCode.BySignal(Libc.SIGPIPE);
                case CommandEvent.Exited exited:
                    var code = exited.TimedOut ? ExitCode.TimedOut : exited.ExitCode;
                    output.OnExit(code, exited.TimedOut);
                    return code;
            }
        }

        throw new CommandFailedException("The command ended without an exit code.");
    }

    // Hanging up is what ends the remote command.
    private PosixSignalRegistration Leave(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        _signal = number;
        _cancelled.Cancel();
    });

    private async Task EndSessionAsync(string arn, string sessionId)
    {
        using var bound = new CancellationTokenSource(TidyBound);
        try
        {
            await target.Client.StopSessionAsync(arn, sessionId, options.Qualifier, bound.Token);
        }
        catch (AgentCoreException)
        {
            // It never began, or its server is gone: the command's own result says more. An idle session ends by itself.
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested)
        {
            // As above.
        }
    }
}
