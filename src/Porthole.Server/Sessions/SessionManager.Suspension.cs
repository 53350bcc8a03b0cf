using Porthole.Protocol.Aws;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Sandboxes;
using Porthole.Server.Api;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Sessions;

// Sessions that are written to the disk, and come back with their next use.
internal sealed partial class SessionManager
{
    // Longer than a connection waits for its client's answer to a close.
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Suspends a session. Its shells are told to connect again, which resumes it.</summary>
    /// <exception cref="AwsException">It cannot be suspended, now or at all, and goes on as it was.</exception>
    public async Task SuspendAsync(Session session)
    {
        if (session.State == SessionState.Suspended)
            return;
        if (session.Isolation is { } isolation and not Isolation.MicroVm)
        {
            throw new AwsException(AwsError.Conflict(
                $"The session is isolated by {isolation.ToString().ToLowerInvariant()}s, and only microVMs can be suspended. Set the tag {IsolationTag.Key}=microvm of its runtime for sessions to come."));
        }

        if (!session.TryBeginSuspension())
        {
            throw new AwsException(session.State == SessionState.Active
                ? AwsError.Conflict("A command or a request of the agent is under way in the session, and would be lost. Suspend it when that has ended.")
                : AwsError.SessionBusy());
        }

        var succeeded = false;
        try
        {
            await LeaveShellsAsync(session);
            await driver.SuspendAsync(session.Sandbox!);
            succeeded = true;
            SessionLog.Suspended(log, session.Key.SessionId);
        }
        catch (Exception e) when (e is SandboxException or IOException or TimeoutException or LinkProtocolException)
        {
            SessionLog.SuspendFailed(log, session.Key.SessionId, e.Message);
            throw new AwsException(AwsError.RuntimeFailed("The session could not be suspended: " + e.Message));
        }
        finally
        {
            // With its sandbox the agent that was followed there is gone, or was left alone.
            session.Agent = agents.For(session, session.Image);
            if (!succeeded && session.Sandbox is { Exited.IsCompleted: false })
                session.Agent?.Begin();
            session.EndSuspension(succeeded);
        }
    }

    /// <summary>Resumes a session, if it is suspended, and waits until it can be used.</summary>
    /// <exception cref="AwsException">It could not be resumed.</exception>
    public static async Task ResumeAsync(Session session, CancellationToken cancellationToken)
    {
        try
        {
            await session.ReadyAsync().WaitAsync(cancellationToken);
        }
        catch (SandboxException e)
        {
            throw new AwsException(AwsError.RuntimeFailed("The session could not be resumed: " + e.Message));
        }
    }

    // What was typed before has arrived when the guest answers what was asked after it.
    private static async Task LeaveShellsAsync(Session session)
    {
        var connections = session.Shells.Connections();
        foreach (var connection in connections)
            connection.Close(ShellCloseCode.ServerRestart, "the session is being suspended; the shell goes on: connect again", ConnectionEnd.SessionSuspended);
        await Task.WhenAll(connections.Select(static connection => connection.Ended)).WaitAsync(LeaveTimeout);
        session.Agent?.Dispose();
        await GuestShells.ListAsync(session, CancellationToken.None);
        session.SettleSuspension();
    }

    private async Task EndDueAsync(Session session, SessionEnd end)
    {
        if (end == SessionEnd.Idle && session.Isolation == Isolation.MicroVm && await IsToBeSuspendedAsync(session))
        {
            try
            {
                await SuspendAsync(session);
            }
            catch (AwsException)
            {
                // It was used just now, or its disk is full, which is in the log: the next idle time brings the next attempt.
            }

            return;
        }

        if (session.TryBeginStop())
            await EndAsync(session, end, end == SessionEnd.Idle ? "the session was idle" : "the session has reached its longest life");
    }

    private async Task<bool> IsToBeSuspendedAsync(Session session) =>
        IdleTag.Read(await store.FindTagAsync(session.Deployment.Runtime.Arn.ToString(), IdleTag.Key)) == IdleAction.Suspend;

    private async Task<Sandbox> ResumeSandboxAsync(Session session)
    {
        try
        {
            var sandbox = await driver.ResumeAsync(session.Directory);
            SessionLog.Resumed(log, session.Key.SessionId);
            _ = SuperviseAsync(session, sandbox);
            return sandbox;
        }
        catch (Exception e)
        {
            SessionLog.ResumeFailed(log, session.Key.SessionId, e.Message);
            if (!SandboxDriver.IsSuspended(session.Directory))
                _ = EndDeadAsync(session);
            throw;
        }
    }
}
