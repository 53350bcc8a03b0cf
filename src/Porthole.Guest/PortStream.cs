using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>A stream that is a TCP connection to a port on the sandbox's 127.0.0.1: relays both directions within their credits.</summary>
internal sealed unsafe class PortStream(Lane lane, uint number, uint credit) : LaneStream(lane, number, credit), IPollable
{
    // What the server may have under way towards a program that does not read: four frames, so that a large body keeps flowing.
    private const int InputWindowBytes = 256 * 1024;

    // Half the window, as with terminals: a body of any size never waits for credit while its reader keeps up.
    private const int InputGrantBytes = InputWindowBytes / 2;

    private readonly ByteQueue _input = new();
    private Descriptor? _socket;
    private Watch _watch;
    private bool _connected;
    private int _inputAllowed;
    private int _inputTaken;
    private bool _inputEnds;
    private bool _inputEnded;
    private bool _inputRefused;
    private bool _outputEnded;

    /// <summary>Begins to connect.</summary>
    public void Open(ushort port)
    {
        try
        {
            _socket = TcpSocket.BeginConnect(port);
            _watch = new Watch(Lane.Loop, _socket.Number, this);
            _watch.Set(PollEvents.Writable);
        }
        catch (PosixException error)
        {
            Fail(error.Message);
        }
    }

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        if (Lane.IsShared)
            Lane.Receive();
        if (_socket is null)
            return;
        if (!_connected)
            FinishConnect(_socket);
        if (_socket is not null && (ready & ~PollEvents.Readable) != 0)
            WriteInput(_socket);
        if (_socket is not null && (ready & ~PollEvents.Writable) != 0)
            RelayOutput(_socket);
        Continue();
        Lane.UpdateWatch();
    }

    /// <inheritdoc/>
    public override void OnFrame(LinkFrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case LinkFrameType.Credit:
                Grant(LinkSmallFrames.ReadCredit(payload));
                Continue();
                break;
            case LinkFrameType.Input:
                TakeInput(payload);
                break;
            case LinkFrameType.EndOfInput:
                _inputEnds = true;
                Continue();
                break;
            case LinkFrameType.Detach:
                Finish(new StreamClosed(StreamCloseReason.Detached, 0).Write(Lane.Writer, Number));
                break;
            default:
                // From a newer peer: documented to be ignored.
                break;
        }
    }

    /// <inheritdoc/>
    // The kernel holds what is not sent yet.
    public override bool SendOne() => false;

    /// <inheritdoc/>
    public override void Continue()
    {
        if (_socket is null || !_connected)
            return;
        if (_inputEnds && !_inputEnded && _input.Count == 0)
        {
            _inputEnded = true;
            _ = Libc.Shutdown(_socket.Number, Libc.SHUT_WR); // ENOTCONN: the peer is gone, as a read will say.
        }

        if (_inputEnded && _outputEnded)
        {
            Finish(new StreamClosed(StreamCloseReason.Ended, 0).Write(Lane.Writer, Number));
            return;
        }

        var interest = _outputEnded || Credit == 0 || Lane.Sender.IsBlocked ? PollEvents.None : PollEvents.Readable;
        _watch.Set(_input.Count > 0 ? interest | PollEvents.Writable : interest);
    }

    /// <inheritdoc/>
    public override void OnLaneClosed() => LetGo();

    private void FinishConnect(Descriptor socket)
    {
        if (TcpSocket.ConnectError(socket) is var error and not 0)
        {
            Fail(Errno.Describe(error));
            return;
        }

        _connected = true;
        _inputAllowed = InputWindowBytes;
        Lane.Sender.Send(new PortConnected(InputWindowBytes).Write(Lane.Writer, Number));
    }

    private void TakeInput(ReadOnlySpan<byte> payload)
    {
        _inputAllowed -= payload.Length;
        if (_inputAllowed < 0 || _inputEnds)
            throw new LinkProtocolException("input beyond its credit, or behind its end");
        if (_inputRefused)
        {
            GrantInput(payload.Length);
            return;
        }

        _input.Append(payload);
        WriteInput(_socket!);
        Continue();
    }

    private void WriteInput(Descriptor socket)
    {
        while (_input.Count > 0)
        {
            nint count;
            fixed (byte* bytes = _input.Waiting)
                count = Libc.Send(socket.Number, bytes, (nuint)_input.Count, Libc.MSG_NOSIGNAL);
            if (count < 0 && Errno.Last == Errno.EINTR)
                continue;
            if (count < 0 && Errno.Last == Errno.EAGAIN)
                return;
            if (count < 0)
            {
                // It does not want the rest, yet its answer may be waiting to be read: input is thrown away from here on.
                _inputRefused = true;
                count = _input.Count;
            }

            _input.Take((int)count);
            GrantInput((int)count);
        }
    }

    private void GrantInput(int taken)
    {
        _inputTaken += taken;
        if (_inputTaken < InputGrantBytes)
            return;
        _inputAllowed += _inputTaken;
        Lane.Sender.Send(LinkSmallFrames.WriteCredit(Lane.Writer, Number, (uint)_inputTaken));
        _inputTaken = 0;
    }

    private void RelayOutput(Descriptor socket)
    {
        if (_outputEnded || Credit == 0 || Lane.Sender.IsBlocked)
            return;
        var scratch = Lane.Scratch;
        var count = Libc.Read(socket.Number, scratch, (nuint)Math.Min(Credit, Lane.ScratchBytes));
        if (count > 0)
        {
            var part = new Libc.IoVec { Base = scratch, Length = (nuint)count };
            Lane.Sender.SendData(LinkFrameType.Output, Number, &part, 1);
            Spend((int)count);
        }
        else if (count == 0)
        {
            _outputEnded = true;
            Lane.Sender.Send(LinkSmallFrames.WriteEmpty(Lane.Writer, LinkFrameType.EndOfOutput, Number));
        }
        else if (Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
        {
            Fail(Errno.Describe(Errno.Last));
        }
    }

    private void Fail(string why) => Finish(new LinkFailure(LinkFailureReason.Disconnected, why).Write(Lane.Writer, Number));

    private void Finish(ReadOnlySpan<byte> lastFrame)
    {
        LetGo();
        Lane.Remove(this);
        Lane.Sender.Send(lastFrame);
    }

    private void LetGo()
    {
        if (_socket is null)
            return;
        _watch.Set(PollEvents.None);
        _socket.Dispose();
        _socket = null;
    }
}
