using System.Net.Sockets;
using Porthole.Protocol.Link;
using Porthole.Sandboxes;
using Porthole.Server.Sessions;

namespace Porthole.Server.Agents;

/// <summary>
/// One run of a session's agent, seen from the server: from its start, or from when this server found it running, to its end. The process itself
/// is the guest's, and outlives this object.
/// </summary>
internal sealed class AgentRun
{
    private const uint LinkStream = 1;

    // An agent may listen within milliseconds; one that takes its time is not asked a hundred times a second for that.
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(20), SlowestLook = TimeSpan.FromSeconds(1);

    private readonly Session _session;
    private readonly AgentContract _contract;
    private readonly ProgramSpec _program;
    private readonly AgentLimits _limits;
    private readonly HttpMessageInvoker _http;
    private readonly CancellationToken _stopping;
    private volatile TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AgentRun(Session session, AgentContract contract, ProgramSpec program, AgentLimits limits, HttpMessageInvoker http, CancellationToken stopping)
    {
        (_session, _contract, _program, _limits, _http, _stopping) = (session, contract, program, limits, http, stopping);
        Ended = RunAsync();
    }

    /// <summary>Completes when it is healthy; fails with <see cref="AgentFailedException"/> when it was not in time, or has ended.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Completes with why, for a person, when it has ended or could not be started.</summary>
    public Task<string> Ended { get; }

    private async Task<string> RunAsync()
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stopping);
        var health = Task.CompletedTask;
        var why = "the session is ending";
        try
        {
            await using var lane = await GuestLane.OpenAsync(_session, _stopping);
            lane.Demand(LinkHello.AgentVersion);
            var wanted = new AttachAgent(long.MaxValue, 0, (uint)_limits.LogBytes, _program);
            await lane.SendAsync(wanted.Write(new LinkWriter(), LinkStream).ToArray(), _stopping);
            health = WatchHealthAsync(ending.Token);
            why = Describe(await ExitAsync(lane));
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
        catch (ArgumentException)
        {
            why = "its command and environment together are too long";
        }
        catch (Exception e) when (e is IOException or AgentFailedException or LinkProtocolException or SandboxException or SocketException)
        {
            why = e.Message;
        }

        await ending.CancelAsync();
        await health;
        if (!_ready.TrySetException(new AgentFailedException($"The agent cannot be used: {why}.")))
            _ready = Failed($"The agent cannot be used: {why}.");
        _ = Ready.Exception; // Seen: nobody has to wait for it.
        return why;
    }

    private async Task<ProcessExit> ExitAsync(GuestLane lane)
    {
        while (true)
        {
            var (frame, payload) = await lane.ReceiveAsync(_stopping);
            if (frame is { Stream: LinkStream, Type: LinkFrameType.Exited })
                return ProcessExit.Read(payload.Span);
            if (frame is { Stream: LinkStream, Type: LinkFrameType.Failed })
                throw new AgentFailedException(LinkFailure.Read(payload.Span).Message);
        }
    }

    private static string Describe(ProcessExit exit) =>
        exit.Signal == 0 ? $"it has ended with exit code {exit.Code}" : $"it was ended by signal {exit.Signal}";

    // Never throws: a failure is the answer of Ready.
    private async Task WatchHealthAsync(CancellationToken ended)
    {
        IDisposable? busy = null;
        try
        {
            await BecomeHealthyAsync(ended);
            while (_contract.PingPath is { } path)
            {
                var isBusy = await TryAskAsync(_contract.Address(path), ended) == AgentStatus.HealthyBusy;
                if (isBusy)
                {
                    busy ??= _session.TryBeginActivity(isRequest: false);
                }
                else
                {
                    // The change of the status is what the idle clock counts from.
                    busy?.Dispose();
                    busy = null;
                }

                await Task.Delay(_limits.HealthInterval, ended);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
        }
        finally
        {
            busy?.Dispose();
        }
    }

    private async Task BecomeHealthyAsync(CancellationToken ended)
    {
        using var late = new CancellationTokenSource(_limits.StartTimeout);
        for (var pause = FirstLook; ; pause = pause < SlowestLook ? pause * 1.5 : SlowestLook)
        {
            var problem = await ProblemAsync(ended);
            if (problem is null)
            {
                // It may be late, and those who waited have been told; from now on it can be used.
                if (!_ready.TrySetResult())
                    _ready = Done();
                return;
            }

            if (late.IsCancellationRequested)
            {
                _ready.TrySetException(new AgentFailedException($"The agent was not healthy within {_limits.StartTimeout.TotalSeconds:0} s of its start: {problem}."));
                _ = Ready.Exception;
            }

            await Task.Delay(pause, ended);
        }
    }

    private async Task<string?> ProblemAsync(CancellationToken ended)
    {
        using var overdue = CancellationTokenSource.CreateLinkedTokenSource(ended);
        overdue.CancelAfter(_limits.HealthTimeout);
        try
        {
            if (_contract.PingPath is { } path)
                await AgentHealth.AskAsync(_http, _contract.Address(path), overdue.Token);
            else
                await (await PortConnection.OpenAsync(_session, _contract.Port, overdue.Token)).DisposeAsync();
            return null;
        }
        catch (AgentFailedException e)
        {
            return e.Message;
        }
        catch (IOException e)
        {
            return $"port {_contract.Port}: {e.Message}";
        }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested)
        {
            return $"no answer within {_limits.HealthTimeout.TotalSeconds:0} s";
        }
    }

    // An agent that does not answer is working on something else, or hangs: either way it does not say that it is busy.
    private async Task<AgentStatus?> TryAskAsync(Uri ping, CancellationToken ended)
    {
        using var overdue = CancellationTokenSource.CreateLinkedTokenSource(ended);
        overdue.CancelAfter(_limits.HealthTimeout);
        try
        {
            return await AgentHealth.AskAsync(_http, ping, overdue.Token);
        }
        catch (AgentFailedException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested)
        {
            return null;
        }
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }

    private static TaskCompletionSource Failed(string why)
    {
        var failed = new TaskCompletionSource();
        failed.SetException(new AgentFailedException(why));
        return failed;
    }
}
