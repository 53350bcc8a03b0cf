using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Sandboxes;
using Porthole.Sandboxes.Images;
using Porthole.Server.Agents;
using Porthole.Server.Api;
using Porthole.Server.Audit;
using Porthole.Server.Images;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Sessions;

/// <summary>Every session of this server: makes them on first use, ends them when they are due, adopts those of the server before.</summary>
internal sealed partial class SessionManager(
    ServerOptions options, DataDirectory data, PortholeStore store, SandboxDriver driver, SandboxLimits limits, ImageStore images, SessionStorage storage, AgentFactory agents, AuditTrail audit, TimeProvider time, ILogger<SessionManager> log)
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1), StorageInterval = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<SessionKey, Session> _sessions = new();

    /// <summary>Sessions that live, in no order.</summary>
    public ICollection<Session> List() => _sessions.Values;

    /// <summary>Finds a session that can be used, or null.</summary>
    public Session? Find(SessionKey key) => _sessions.GetValueOrDefault(key);

    /// <summary>Finds a session, or begins to make it. Its start goes on in the background.</summary>
    /// <exception cref="AwsException">It is starting for somebody else, or stopping.</exception>
    public Session GetOrStart(SessionKey key, Deployment deployment, string? principal)
    {
        while (true)
        {
            if (_sessions.TryGetValue(key, out var session))
                return session.State is SessionState.Starting or >= SessionState.Stopping ? throw new AwsException(AwsError.SessionBusy()) : session;
            session = Make(key, deployment, principal);
            if (!_sessions.TryAdd(key, session))
                continue;
            store.RecordSessionStarted(session.Record);
            session.Start(() => SessionStarts.MeasureAsync(key.SessionId, () => StartSandboxAsync(session)));
            _ = SuperviseAsync(session);
            return session;
        }
    }

    /// <summary>Ends a session and waits until nothing of it is left.</summary>
    /// <exception cref="AwsException">It is being started or ended by somebody else at this moment.</exception>
    public async Task StopAsync(Session session, SessionEnd end, string reason)
    {
        if (!session.TryBeginStop())
            throw new AwsException(AwsError.SessionBusy());
        await EndAsync(session, end, reason);
    }

    /// <summary>Ends every session.</summary>
    public Task StopAllAsync() => StopAllAsync(static _ => true, "the operator ended all sessions");

    /// <summary>Ends some sessions and waits until nothing of them is left.</summary>
    /// <param name="which">Those to end.</param>
    /// <param name="reason">What their shells are told.</param>
    public Task StopAllAsync(Func<Session, bool> which, string reason) => Task.WhenAll(_sessions.Values.Where(which).Select(async session =>
    {
        if (session.TryBeginStop())
            await EndAsync(session, SessionEnd.Stopped, reason);
        else
            await session.Ended;
    }));

    /// <summary>Takes over the sandboxes that an earlier server of this data directory left running, and clears away what is left of dead ones.</summary>
    public async Task AdoptAsync(CancellationToken cancellationToken)
    {
        var met = new List<Task>();
        foreach (var record in await store.ReadLivingSessionsAsync(cancellationToken))
        {
            var key = new SessionKey(record.RuntimeId, record.Qualifier, record.SessionId);
            var runtime = await store.FindRuntimeAsync(record.RuntimeId, cancellationToken);
            var version = await store.FindVersionAsync(record.RuntimeId, record.Version, cancellationToken);
            var directory = Path.Combine(data.SessionsPath, key.DirectoryName);
            var adoption = await driver.AdoptAsync(directory);
            if (runtime is null || version is null || (adoption.Sandbox is null && !adoption.IsSuspended))
            {
                RecordEnd(record, SessionEnd.Died);
                SessionLog.WasDead(log, record.SessionId, adoption.Cleared ?? "its runtime is gone");
                continue;
            }

            var session = new Session(record, new Deployment(runtime, record.Qualifier, version), directory, options, driver, time) { Resume = ResumeSandboxAsync };

            // Its sandbox runs on, whatever has become of the image.
            session.Image = version.ImageDigest is null ? PreparedImage.Host : images.Find(version.ImageDigest) ?? PreparedImage.Host;
            session.Agent = agents.For(session, session.Image);
            _sessions[key] = session;
            if (adoption.Sandbox is not { } sandbox)
            {
                session.AdoptSuspended(adoption.Accelerator);
                SessionLog.AdoptedSuspended(log, record.SessionId);
                continue;
            }

            session.Adopt(sandbox);
            _ = SuperviseAsync(session, sandbox);
            met.Add(MeetShellsAsync(session, cancellationToken));
        }

        await Task.WhenAll(met);
        await ClearUnknownAsync(cancellationToken);
    }

    /// <summary>Ends sessions that are idle or have lived their time, until cancelled.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(SweepInterval, time);
        var memory = new MemoryTidy();
        var nextLook = time.GetUtcNow();
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (time.GetUtcNow() is var now && now >= nextLook)
            {
                nextLook = now + StorageInterval;
                storage.RemoveForgotten(_sessions.Values);
            }

            memory.Look(_sessions.Values.Sum(session => session.Shells.Connections().Sum(connection => connection.BytesIn)));
            foreach (var session in _sessions.Values)
            {
                if (session.IsDue() is { } end)
                    _ = EndDueAsync(session, end);
            }
        }
    }

    private Session Make(SessionKey key, Deployment deployment, string? principal)
    {
        var record = new SessionRecord
        {
            RuntimeId = key.RuntimeId,
            Qualifier = key.Qualifier,
            SessionId = key.SessionId,
            Version = deployment.Version.Version,
            Principal = principal,
            StartedAt = time.GetUtcNow(),
        };
        return new Session(record, deployment, Path.Combine(data.SessionsPath, key.DirectoryName), options, driver, time) { Resume = ResumeSandboxAsync };
    }

    private async Task<Sandbox> StartSandboxAsync(Session session)
    {
        SessionLog.Starting(log, session.Key.SessionId);
        var runtime = session.Deployment.Runtime;

        // A runtime that is being deleted ends the sessions that it sees. This one may have come after that.
        if (await store.FindRuntimeAsync(runtime.Id) is null or { Status: ResourceStatus.Deleting })
            throw new SandboxException($"The runtime '{runtime.Id}' has been deleted.");
        var isolation = IsolationTag.Read(await store.FindTagAsync(runtime.Arn.ToString(), IsolationTag.Key));
        session.Image = RuntimeImages.Find(images, session.Deployment.Version);
        session.Agent = agents.For(session, session.Image);
        var spec = new SandboxSpec
        {
            Directory = session.Directory,
            HostName = runtime.Name,
            Egress = options.Egress && session.Deployment.Configuration.NetworkConfiguration.NetworkMode == NetworkConfiguration.Public,
            Limits = limits,
            Image = session.Image,
            Mounts = storage.MountsOf(session),
        };
        return await driver.StartAsync(isolation is { } wanted ? spec with { Isolation = wanted } : spec);
    }

    // A guest that is stopped, starved or hostile must not keep a server from its other sessions. Its shells, if it still has them, are met
    // when somebody attaches.
    private async Task MeetShellsAsync(Session session, CancellationToken cancellationToken)
    {
        try
        {
            var shells = await GuestShells.ListAsync(session, cancellationToken);
            foreach (var shellId in shells.Where(id => ShellId.IsValid(id)))
                session.Shells.Adopt(shellId);
            SessionLog.Adopted(log, session.Key.SessionId, session.Shells.List().Count);
        }
        catch (Exception e) when (e is TimeoutException or IOException or SocketException or SandboxException or LinkProtocolException)
        {
            SessionLog.AdoptedUnmet(log, session.Key.SessionId, e.Message);
        }
    }

    // Watches one session from its start to its end, whoever brings that about.
    private async Task SuperviseAsync(Session session)
    {
        try
        {
            await session.Started;
        }
        catch (Exception e)
        {
            SessionLog.StartFailed(log, session.Key.SessionId, e);
            if (session.TryBeginStop())
                await EndAsync(session, SessionEnd.StartFailed, "the session could not start");
            return;
        }

        await SuperviseAsync(session, session.Sandbox!);
    }

    private async Task SuperviseAsync(Session session, Sandbox sandbox)
    {
        if (!(await sandbox.Exited).IsSuspended)
            await EndDeadAsync(session);
    }

    private async Task EndDeadAsync(Session session)
    {
        if (!session.TryBeginStop())
            return;
        SessionLog.Died(log, session.Key.SessionId);
        await EndAsync(session, SessionEnd.Died, "the session's sandbox has ended");
    }

    private async Task EndAsync(Session session, SessionEnd end, string reason)
    {
        try
        {
            await session.EndAsync(reason);
            SessionLog.Ended(log, session.Key.SessionId, reason);
        }
        catch (Exception e)
        {
            SessionLog.EndFailed(log, session.Key.SessionId, e);
        }

        RecordEnd(session.Record, end);
        Instruments.SessionsEnded.Add(1, new KeyValuePair<string, object?>("porthole.session.end", end.ToString()));
        _sessions.TryRemove(new KeyValuePair<SessionKey, Session>(session.Key, session));
    }

    private void RecordEnd(SessionRecord session, SessionEnd end)
    {
        store.RecordSessionEnded(session.Id, end);
        audit.AddEnd(session, new RuntimeArn("aws", options.Region, options.AccountId, RuntimeKind.Runtime, session.RuntimeId).ToString(), end);
    }

    // What the store knows nothing of: a session of a server that died between the two, or of a store that was replaced.
    private async Task ClearUnknownAsync(CancellationToken cancellationToken)
    {
        var known = _sessions.Values.Select(session => session.Directory).ToHashSet(StringComparer.Ordinal);
        foreach (var directory in Directory.EnumerateDirectories(data.SessionsPath).Where(path => !known.Contains(path)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var adoption = await driver.AdoptAsync(directory);
            if (adoption.Sandbox is not null)
                await adoption.Sandbox.KillAsync();
            if (adoption.IsSuspended)
                await driver.DiscardAsync(directory);
            SessionLog.ClearedUnknown(log, directory);
        }
    }
}
