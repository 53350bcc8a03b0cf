using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Machine;

/// <summary>
/// The port of a virtual machine (see <see cref="MachinePort"/>). It carries one lane at a time, from a reset by the server until the server
/// hangs up or resets again; between two lanes it waits here, on the home loop. A server that is away costs nothing: the port is watched
/// for changes, since it reports a peer that has hung up for as long as nobody is back.
/// </summary>
internal sealed unsafe class PortChannel : LaneChannel, IPollable
{
    // The driver copies at most this much at once (drivers/char/virtio_console.c, port_fops_write).
    private const int WriteBytes = 32 * 1024;

    private readonly Home _home;
    private readonly Descriptor _port;
    private readonly Action<MachineIdentity> _become;
    private readonly MachinePortReader _reader = new();
    private readonly byte* _scratch = (byte*)NativeMemory.Alloc(WriteBytes);
    private readonly ByteQueue _unsent = new();
    private byte[]? _reset;
    private bool _opensLane;
    private bool _isSomebody;
    private bool _hasHungUp;

    /// <summary>Takes an open port.</summary>
    /// <param name="home">Where lanes are opened.</param>
    /// <param name="port">The port.</param>
    /// <param name="become">Makes this machine who the server says; throws when it cannot.</param>
    public PortChannel(Home home, Descriptor port, Action<MachineIdentity> become)
    {
        port.SetNonBlocking();
        (_home, _port, _become) = (home, port, become);
    }

    /// <inheritdoc/>
    public override int Number => _port.Number;

    /// <inheritdoc/>
    public override PollEvents Mode => PollEvents.EdgeTriggered;

    /// <summary>Begins to wait for the server; on the home loop, as all that is not called by a lane.</summary>
    public void Wait() => _home.Loop.Add(_port.Number, PollEvents.Readable | PollEvents.Writable | PollEvents.EdgeTriggered, this);

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        while (TryFlush())
        {
            if (_opensLane)
            {
                _opensLane = false;
                _home.Loop.Remove(_port.Number);
                _home.OpenLane(this);
                return;
            }

            switch (_reader.Next(out var content))
            {
                case MachinePortUnit.Reset:
                    AnswerReset(content);
                    break;
                case MachinePortUnit.Frame when !_isSomebody && LinkFrame.ReadHeader(content).Type == LinkFrameType.Identity:
                    _opensLane = _isSomebody = TryBecome(content[LinkFrame.HeaderBytes..]);
                    break;
                case MachinePortUnit.None when Fill() <= 0:
                    return;
                default:
                    // A frame for a lane that is gone.
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public override nint Read(byte* buffer, nuint count, out bool mayHaveMore)
    {
        mayHaveMore = false;
        while (true)
        {
            switch (_reader.Next(out var content))
            {
                case MachinePortUnit.Frame:
                    // Frames come whole, so that the lane's buffer is empty between two of them.
                    content.CopyTo(new Span<byte>(buffer, (int)count));
                    mayHaveMore = true;
                    return content.Length;
                case MachinePortUnit.Reset:
                    _reset = content.ToArray();
                    return -1;
                default:
                    var filled = Fill();
                    if (filled == 0)
                        return 0;
                    _hasHungUp = filled < 0;
                    if (_hasHungUp)
                        return -1;
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public override nint Write(Libc.IoVec* vectors, int count)
    {
        // Each write is a message to the host, which a machine pays for dearly: small pieces go together.
        nint total = 0;
        for (var i = 0; i < count;)
        {
            var gathered = 0;
            var first = i;
            while (i < count && gathered + (int)vectors[i].Length <= WriteBytes)
            {
                new ReadOnlySpan<byte>(vectors[i].Base, (int)vectors[i].Length).CopyTo(new Span<byte>(_scratch + gathered, WriteBytes - gathered));
                gathered += (int)vectors[i++].Length;
            }

            // A piece that does not fit the scratch goes out by itself.
            var isAlone = i == first;
            var bytes = isAlone ? (byte*)vectors[i].Base : _scratch;
            var length = isAlone ? (int)vectors[i++].Length : gathered;
            var written = WriteAll(bytes, length);
            total += written;
            if (written < length)
                break;
        }

        return total;
    }

    /// <summary>The lane has ended; the port goes on.</summary>
    public override void Dispose()
    {
        // For reasons of the lane's own: the server must hear of it, or it would wait for answers.
        if (_reset is null && !_hasHungUp)
            _unsent.Append(LinkSmallFrames.WriteEmpty(new LinkWriter(), LinkFrameType.Closed, 0));
        _home.Loop.Post(() =>
        {
            if (_reset is { } token)
                AnswerReset(token);
            Wait();
        });
    }

    private void AnswerReset(ReadOnlySpan<byte> token)
    {
        _reset = null;
        _unsent.Clear();
        _unsent.Append([MachinePort.Reset, .. token]);
        _opensLane = _isSomebody;
    }

    private bool TryBecome(ReadOnlySpan<byte> payload)
    {
        try
        {
            _become(MachineIdentity.Read(payload));
            return true;
        }
        catch (Exception error) when (error is IOException or LinkProtocolException or UnauthorizedAccessException)
        {
            // The server ends the machine.
            GuestLog.Write($"no identity: {error.Message}");
            _unsent.Append(new LinkFailure(LinkFailureReason.CannotStart, error.Message).Write(new LinkWriter(), 0));
            return false;
        }
    }

    // The port may not take it yet: that a server has come is told apart from what it has sent, and sometimes later.
    private bool TryFlush()
    {
        fixed (byte* start = _unsent.Waiting)
            _unsent.Take(WriteAll(start, _unsent.Count));
        return _unsent.Count == 0;
    }

    private int WriteAll(byte* bytes, int length)
    {
        var done = 0;
        while (done < length)
        {
            var written = Libc.Write(_port.Number, bytes + done, (nuint)(length - done));
            if (written > 0)
                done += (int)written;
            else if (Errno.Last != Errno.EINTR)
                break; // EAGAIN: the host takes no more now, or is away; then reading says so.
        }

        return done;
    }

    // Bytes read, 0 for nothing now, -1 when the server has hung up.
    private nint Fill()
    {
        var room = _reader.Room;
        fixed (byte* start = room)
        {
            while (true)
            {
                var count = Libc.Read(_port.Number, start, (nuint)room.Length);
                if (count > 0)
                {
                    _reader.Filled((int)count);
                    return count;
                }

                if (count == 0)
                    return -1;
                if (Errno.Last != Errno.EINTR)
                    return Errno.Last == Errno.EAGAIN ? 0 : -1;
            }
        }
    }
}
