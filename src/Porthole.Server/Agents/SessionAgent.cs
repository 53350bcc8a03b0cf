using System.Net;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Link;
using Porthole.Server.Sessions;

namespace Porthole.Server.Agents;

/// <summary>
/// The agent of one session: started with it, watched, and started again by the next request after it has ended. HTTP to it goes through the
/// guest link; every request has a connection of its own, so none is ever sent into one that is just being closed.
/// </summary>
internal sealed class SessionAgent : IDisposable
{
    // A process's end is known here within milliseconds of its connections' end, unless the host is overloaded.
    private static readonly TimeSpan NewsTakes = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Session _session;
    private readonly ProgramSpec _program;
    private readonly AgentLimits _limits;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private AgentRun? _run;

    public SessionAgent(Session session, AgentContract contract, ProgramSpec program, AgentLimits limits, ILogger log)
    {
        (_session, Contract, _program, _limits, _log) = (session, contract, program, limits, log);
        Http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (connection, cancellationToken) => await PortConnection.OpenAsync(session, connection.DnsEndPoint.Port, cancellationToken),
            PooledConnectionLifetime = TimeSpan.Zero,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.None,
        });
    }

    /// <summary>Where it listens and for what.</summary>
    public AgentContract Contract { get; }

    /// <summary>Sends requests to it, to addresses of <see cref="Contract"/>.</summary>
    public HttpMessageInvoker Http { get; }

    /// <summary>Begins to start it, or to follow it where it runs already; it is not waited for.</summary>
    public void Begin() => _ = CurrentRun();

    /// <summary>Waits until it can be asked, starting it again when it has ended.</summary>
    /// <exception cref="AgentFailedException">It cannot be started, or is not healthy in time.</exception>
    public Task ReadyAsync(CancellationToken cancellationToken) => CurrentRun().Ready.WaitAsync(cancellationToken);

    /// <summary>When nobody listens, it has probably ended just now: waits for the news of that, and until it can be asked again.</summary>
    /// <exception cref="AgentFailedException">It cannot be started again, or is not healthy in time.</exception>
    public async Task ComeBackAsync(CancellationToken cancellationToken)
    {
        var run = CurrentRun();
        if (run.Ready.IsCompletedSuccessfully)
            await Task.WhenAny(run.Ended, Task.Delay(NewsTakes, cancellationToken));
        await ReadyAsync(cancellationToken);
    }

    /// <summary>Leaves it alone; it ends with its sandbox.</summary>
    public void Dispose()
    {
        lock (_lock)
            _stopping.Cancel();
        Http.Dispose();
    }

    private AgentRun CurrentRun()
    {
        lock (_lock)
        {
            if (_run is null || (_run.Ended.IsCompleted && !_stopping.IsCancellationRequested))
            {
                _run = new AgentRun(_session, Contract, _program, _limits, Http, _stopping.Token);
                _ = ReportAsync(_run);
            }

            return _run;
        }
    }

    private async Task ReportAsync(AgentRun run)
    {
        var why = await run.Ended;
        if (!_stopping.IsCancellationRequested)
            AgentLog.Ended(_log, _session.Key.SessionId, why);
    }
}
