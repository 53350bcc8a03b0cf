using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>
/// One connection to the server with its streams. Everything here runs on <see cref="Loop"/>, which is this lane's own
/// unless the sandbox is out of threads.
/// </summary>
internal sealed unsafe class Lane : IPollable
{
    // More streams than any server opens on one lane: refused, so that memory stays bounded.
    private const int MaxStreams = 1024;

    private const int MaxPingBytes = 64;

    /// <summary>What a pipe holds by default (pipe(7)), so that one read can empty it.</summary>
    public const int ScratchBytes = 64 * 1024;

    private readonly Home _home;
    private readonly LaneChannel _channel;
    private readonly Dictionary<uint, LaneStream> _streams = [];
    private readonly List<LaneStream> _turns = [];
    private readonly LinkWriter _writer = new();
    private readonly byte* _received = (byte*)NativeMemory.Alloc(LinkFrame.MaxFrameBytes);
    private byte* _scratch;
    private Watch _watch;
    private int _receivedBytes;
    private int _nextTurn;
    private bool _greeted;
    private bool _closed;

    public Lane(Home home, EventLoop loop, LaneChannel channel)
    {
        (_home, Loop, _channel) = (home, loop, channel);
        Sender = new LaneSender(channel);
        _watch = new Watch(loop, channel.Number, this);
    }

    /// <summary>The loop that owns this lane and all that is attached to it.</summary>
    public EventLoop Loop { get; }

    /// <summary>Where frames go out.</summary>
    public LaneSender Sender { get; }

    /// <summary>For frames built on this lane's loop.</summary>
    public LinkWriter Writer => _writer;

    /// <summary>Memory for bytes on their way through, <see cref="ScratchBytes"/> long; its contents last for one call.</summary>
    public byte* Scratch => _scratch = _scratch != null ? _scratch : (byte*)NativeMemory.Alloc(ScratchBytes);

    /// <summary>Whether several streams share this lane, so that each must leave room for the others.</summary>
    public bool IsShared => _streams.Count > 1;

    /// <summary>Says Hello and begins to read.</summary>
    public void Open()
    {
        if (Loop != _home.Loop)
            LanePace.Begin();
        Sender.Send(new LinkHello(LinkHello.CurrentVersion).Write(_writer));
        UpdateWatch();
    }

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        if (ready != PollEvents.Writable)
            Receive();
        if (_closed)
            return;
        if ((ready & PollEvents.Writable) != 0)
        {
            Sender.Flush();
            GiveTurns();
        }

        UpdateWatch();
    }

    /// <summary>Handles all frames that have arrived, before anything else is done for output.</summary>
    public void Receive()
    {
        var mayHaveMore = true;
        while (!_closed && mayHaveMore)
        {
            var count = _channel.Read(_received + _receivedBytes, (nuint)(LinkFrame.MaxFrameBytes - _receivedBytes), out mayHaveMore);
            if (count < 0)
            {
                Close();
                return;
            }

            if (count == 0)
                return;
            _receivedBytes += (int)count;
            HandleReceived();
        }
    }

    /// <summary>Called after anything that may have left bytes waiting.</summary>
    public void UpdateWatch()
    {
        if (Sender.IsBroken)
            Close();
        else if (!_closed)
            _watch.Set(_channel.Mode | (Sender.IsBlocked ? PollEvents.Readable | PollEvents.Writable : PollEvents.Readable));
    }

    /// <summary>Takes a stream off the lane; its closing frame has been sent.</summary>
    public void Remove(LaneStream stream)
    {
        _streams.Remove(stream.Number);
        _turns.Remove(stream);
    }

    /// <summary>From the home loop: the shell that a stream asked for.</summary>
    public void GiveShell(uint stream, AttachShell request, Shell shell, bool created, ProcessExit? exit)
    {
        if (Find(stream) is ShellStream attaching)
            attaching.Attach(request, shell, created, exit);
        else
            _home.Loop.Post(() => _home.TakeBack(shell));
        UpdateWatch();
    }

    /// <summary>From the home loop: the command that a stream asked for.</summary>
    public void GiveCommand(uint stream, Command command)
    {
        if (Find(stream) is CommandStream starting)
            starting.Begin(command);
        else
            _home.Loop.Post(() => _home.Abandon(command));
        UpdateWatch();
    }

    /// <summary>From the home loop: the agent that a stream asked for.</summary>
    public void GiveAgent(uint stream, AgentAttached attached)
    {
        (Find(stream) as AgentStream)?.Begin(attached);
        UpdateWatch();
    }

    /// <summary>From the home loop: the part of the agent's log that a stream asked for.</summary>
    public void GiveLog(AgentStream stream, LogPart part)
    {
        if (Find(stream.Number) == stream)
            stream.Take(part);
        UpdateWatch();
    }

    /// <summary>From the home loop: what a stream asked for cannot be had.</summary>
    public void Refuse(uint stream, LinkFailure failure)
    {
        if (Find(stream) is not { } refused)
            return;
        Remove(refused);
        Sender.Send(failure.Write(_writer, stream));
        UpdateWatch();
    }

    /// <summary>From the home loop: another stream wants this shell. If it is not here any more, it is already on its way home.</summary>
    public void Surrender(Shell shell)
    {
        foreach (var stream in _turns)
        {
            if (stream is not ShellStream attached || attached.Shell != shell)
                continue;
            attached.Leave(StreamCloseReason.TakenOver);
            break;
        }

        UpdateWatch();
    }

    /// <summary>From the home loop: a process has ended.</summary>
    public void ProcessEnded(int processId, ProcessExit exit)
    {
        foreach (var stream in _turns)
        {
            if (stream.ProcessId != processId)
                continue;
            stream.OnExit(exit);
            break;
        }

        UpdateWatch();
    }

    /// <summary>From the home loop: the answer to ListShells.</summary>
    public void SendShellList(IReadOnlyList<ShellSummary> shells)
    {
        Sender.Send(ShellSummary.WriteList(_writer, shells));
        UpdateWatch();
    }

    private LaneStream? Find(uint stream) => _streams.GetValueOrDefault(stream);

    private void HandleReceived()
    {
        var rest = new ReadOnlySpan<byte>(_received, _receivedBytes);
        try
        {
            while (!_closed && LinkFrame.TryTake(ref rest, out var frame, out var payload))
                Handle(frame, payload);
        }
        catch (Exception error) when (error is LinkProtocolException or PosixException)
        {
            GuestLog.Write($"lane closed: {error.Message}");
            Close();
        }

        if (_closed)
            return;
        rest.CopyTo(new Span<byte>(_received, LinkFrame.MaxFrameBytes));
        _receivedBytes = rest.Length;
    }

    private void Handle(LinkFrame frame, ReadOnlySpan<byte> payload)
    {
        if (!_greeted)
        {
            if (frame.Type != LinkFrameType.Hello || frame.Stream != 0)
                throw new LinkProtocolException($"{frame.Type} before Hello");
            LinkHello.Read(payload);
            _greeted = true;
        }
        else if (frame.Stream == 0)
        {
            HandleOwn(frame.Type, payload);
        }
        else if (frame.OpensStream)
        {
            OpenStream(frame, payload);
        }
        else if (frame.Type == LinkFrameType.Abandon)
        {
            Abandon(frame.Stream);
        }
        else
        {
            // A frame for no stream is not an error: it may have crossed the frame that closed the stream.
            Find(frame.Stream)?.OnFrame(frame.Type, payload);
        }
    }

    private void HandleOwn(LinkFrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case LinkFrameType.Ping when payload.Length <= MaxPingBytes:
                Sender.Send(LinkSmallFrames.WriteBytes(_writer, LinkFrameType.Pong, 0, payload));
                break;
            case LinkFrameType.Ping:
                throw new LinkProtocolException($"a ping of {payload.Length} bytes");
            case LinkFrameType.ListShells:
                _home.Loop.Post(() => _home.ListShells(this));
                break;
            case LinkFrameType.Halt:
                _home.Halt?.Invoke();
                break;
            case LinkFrameType.Awake:
                var awakening = MachineAwakening.Read(payload);
                _home.Loop.Post(() => _home.Awoken?.Invoke(awakening));
                break;
            case LinkFrameType.Shutdown:
                _home.Loop.Post(_home.ShutDown);
                break;
            default:
                // From a newer peer: documented to be ignored.
                break;
        }
    }

    private void OpenStream(LinkFrame frame, ReadOnlySpan<byte> payload)
    {
        if (Find(frame.Stream) is not null)
            throw new LinkProtocolException($"stream {frame.Stream} opened twice");
        if (_streams.Count == MaxStreams)
        {
            var failure = new LinkFailure(LinkFailureReason.OutOfResources, $"a lane carries at most {MaxStreams} streams");
            Sender.Send(failure.Write(_writer, frame.Stream));
            return;
        }

        switch (frame.Type)
        {
            case LinkFrameType.AttachShell:
                var shell = AttachShell.Read(payload);
                AddStream(new ShellStream(_home, this, frame.Stream, shell));
                _home.Loop.Post(() => _home.Attach(this, frame.Stream, shell));
                break;
            case LinkFrameType.StartCommand:
                var command = StartCommand.Read(payload);
                AddStream(new CommandStream(_home, this, frame.Stream, command.Credit));
                _home.Loop.Post(() => _home.Start(this, frame.Stream, command));
                break;
            case LinkFrameType.AttachAgent:
                var agent = AttachAgent.Read(payload);
                AddStream(new AgentStream(_home, this, frame.Stream, agent.Credit));
                _home.Loop.Post(() => _home.AttachToAgent(this, frame.Stream, agent));
                break;
            default:
                var port = ConnectPort.Read(payload);
                var connection = new PortStream(this, frame.Stream, port.Credit);
                AddStream(connection);
                connection.Open(port.Port);
                break;
        }
    }

    private void Abandon(uint stream)
    {
        if (Find(stream) is not { } abandoned)
            return;
        Remove(abandoned);
        abandoned.OnLaneClosed();
    }

    private void AddStream(LaneStream stream)
    {
        _streams.Add(stream.Number, stream);
        _turns.Add(stream);
    }

    /// <summary>One frame for each stream in turn, until the lane is full or nobody has anything to send.</summary>
    private void GiveTurns()
    {
        var idle = 0;
        while (!Sender.IsBlocked && idle < _turns.Count)
        {
            _nextTurn = _nextTurn + 1 < _turns.Count ? _nextTurn + 1 : 0;
            idle = _turns[_nextTurn].SendOne() ? 0 : idle + 1;
        }

        for (var i = _turns.Count - 1; i >= 0; i--)
            _turns[i].Continue();
    }

    private void Close()
    {
        if (_closed)
            return;
        _closed = true;
        _watch.Set(PollEvents.None);
        foreach (var stream in _turns)
            stream.OnLaneClosed();
        _turns.Clear();
        _streams.Clear();
        _channel.Dispose();
        NativeMemory.Free(_received);
        NativeMemory.Free(_scratch);
        _home.Loop.Post(() => _home.LaneEnded(this));
    }
}
