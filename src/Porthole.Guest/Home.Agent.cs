using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

// The agent: started, followed, started again.
internal sealed partial class Home
{
    private readonly List<LogRequest> _logReaders = [];
    private readonly Queue<AgentRequest> _waitingForAgent = new();
    private Agent? _agent;

    /// <summary>A stream wants the agent, started when none runs and a program is named.</summary>
    public void AttachToAgent(Lane lane, uint stream, AttachAgent wanted)
    {
        if (!_lanes.Contains(lane))
            return;
        var request = new AgentRequest(lane, stream, wanted);

        // What the run before left behind is being ended, and may still hold the port that the next run needs.
        if (wanted.Program is not null && _agent is { IsRunning: false } ended && _endings.ContainsKey(ended.ProcessId))
            _waitingForAgent.Enqueue(request);
        else
            GiveAgent(request);
    }

    /// <summary>A stream has room for log bytes: it gets them now, or as soon as there are some or the agent has ended.</summary>
    public void ReadLog(AgentStream stream, long from, int count)
    {
        _logReaders.Add(new LogRequest(stream, from, count));
        ServeLogReaders();
    }

    /// <summary>A stream that may have asked for log bytes is closed.</summary>
    public void StopReadingLog(AgentStream stream) => _logReaders.RemoveAll(reader => reader.Stream == stream);

    private void GiveAgent(AgentRequest request)
    {
        try
        {
            var started = request.Wanted.Program is { } program && _agent is not { IsRunning: true };
            if (started)
                StartAgent(request.Wanted.Program!, request.Wanted.LogBytes);
            var agent = _agent ?? throw new LinkFailureException(LinkFailureReason.NoAgent, "no agent was started in this sandbox");
            var at = agent.Part(Math.Max(0, request.Wanted.FromOffset), 0).At;
            PostTo(request.Lane, () => request.Lane.GiveAgent(request.Stream, at with { Started = started }));
        }
        catch (LinkFailureException error)
        {
            PostTo(request.Lane, () => request.Lane.Refuse(request.Stream, error.Failure));
        }
    }

    private void StartAgent(ProgramSpec program, uint logBytes)
    {
        if (_shuttingDown)
            throw new LinkFailureException(LinkFailureReason.CannotStart, "the sandbox is shutting down");
        var agent = _agent ??= MakeAgent(logBytes);
        var (processId, output) = ProgramStart.StartAgent(program);
        agent.Begin(processId, output);
        AddChild(processId, exit => OnAgentEnded(agent, processId, exit));
    }

    private Agent MakeAgent(uint logBytes)
    {
        try
        {
            return new Agent(Loop, (int)Math.Clamp(logBytes, 4 * 1024, 16 * 1024 * 1024), ServeLogReaders);
        }
        catch (PosixException error)
        {
            throw new LinkFailureException(LinkFailureReason.OutOfResources, error.Message);
        }
    }

    private void OnAgentEnded(Agent agent, int processId, ProcessExit exit)
    {
        agent.End(exit);
        EndSession(processId, Libc.SIGTERM);
    }

    private void ServeWaitingForAgent()
    {
        for (var count = _waitingForAgent.Count; count > 0; count--)
        {
            var (lane, stream, wanted) = _waitingForAgent.Dequeue();
            AttachToAgent(lane, stream, wanted);
        }
    }

    private void ServeLogReaders()
    {
        for (var i = _logReaders.Count - 1; i >= 0; i--)
        {
            var reader = _logReaders[i];
            var part = _agent!.Part(reader.From, reader.Count);
            if (part.Bytes.Length == 0 && part.Exit is null)
                continue;
            _logReaders.RemoveAt(i);
            PostTo(reader.Stream.Lane, () => reader.Stream.Lane.GiveLog(reader.Stream, part));
        }
    }

    private sealed record AgentRequest(Lane Lane, uint Stream, AttachAgent Wanted);

    private sealed record LogRequest(AgentStream Stream, long From, int Count);
}
