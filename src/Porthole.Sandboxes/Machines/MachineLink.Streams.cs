using System.Buffers.Binary;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes.Machines;

// Streams: each has a number on its lane, and another one on the port.
internal sealed partial class MachineLink
{
    private const int StreamOffset = 4;

    private readonly Dictionary<uint, (MachineLane Lane, uint Stream)> _streams = [];
    private readonly Dictionary<LinkFrameType, Queue<MachineLane>> _asked = new() { [LinkFrameType.ShellList] = [], [LinkFrameType.Pong] = [] };
    private uint _lastStream;

    /// <summary>Where a lane reads into; its contents last for one call.</summary>
    internal byte[] LaneBuffer { get; } = new byte[LinkFrame.MaxFrameBytes];

    /// <summary>Takes a frame that a lane has sent.</summary>
    /// <exception cref="LinkProtocolException">The frame makes no sense on this lane.</exception>
    internal void TakeFromLane(MachineLane lane, LinkFrame frame, Span<byte> whole)
    {
        if (frame.Stream == 0)
        {
            TakeLanesOwn(lane, frame.Type, whole);
            return;
        }

        if (frame.OpensStream)
        {
            if (!lane.Streams.TryAdd(frame.Stream, ++_lastStream))
                throw new LinkProtocolException($"stream {frame.Stream} opened twice");
            _streams.Add(_lastStream, (lane, frame.Stream));
        }

        // A frame for no stream may have crossed the frame that closed it.
        if (!lane.Streams.TryGetValue(frame.Stream, out var number))
            return;
        BinaryPrimitives.WriteUInt32LittleEndian(whole[StreamOffset..], number);
        SendToGuest(whole);
        if (frame.Type == LinkFrameType.Abandon)
            Forget(number);
    }

    /// <summary>A lane has closed: what it had opened closes with it.</summary>
    internal void LaneClosed(MachineLane lane)
    {
        _lanes.Remove(lane);
        foreach (var number in lane.Streams.Values)
        {
            SendToGuest(LinkSmallFrames.WriteEmpty(_writer, LinkFrameType.Abandon, number));
            _streams.Remove(number);
        }
    }

    private void TakeLanesOwn(MachineLane lane, LinkFrameType type, ReadOnlySpan<byte> frame)
    {
        switch (type)
        {
            case LinkFrameType.Hello:
                // The guest has ours, and this lane has had the guest's.
                break;
            case LinkFrameType.ListShells:
                _asked[LinkFrameType.ShellList].Enqueue(lane);
                SendToGuest(frame);
                break;
            case LinkFrameType.Ping:
                _asked[LinkFrameType.Pong].Enqueue(lane);
                SendToGuest(frame);
                break;
            default:
                SendToGuest(frame);
                break;
        }
    }

    private void Handle(LinkFrame frame, Span<byte> whole)
    {
        if (frame.Stream == 0)
        {
            HandleOwn(frame.Type, whole);
            return;
        }

        if (_state != State.Open)
            throw new LinkProtocolException($"{frame.Type} before Hello");
        if (!_streams.TryGetValue(frame.Stream, out var place))
            return;
        BinaryPrimitives.WriteUInt32LittleEndian(whole[StreamOffset..], place.Stream);
        if (frame.Type is LinkFrameType.Exited or LinkFrameType.Closed or LinkFrameType.Failed)
            Forget(frame.Stream);
        place.Lane.Send(whole);
    }

    // Answers come in the order of the questions.
    private void Answer(LinkFrameType type, ReadOnlySpan<byte> frame)
    {
        if (!_asked[type].TryDequeue(out var lane))
            throw new LinkProtocolException($"{type} that nobody asked for");
        lane.Send(frame);
    }

    private void Forget(uint number)
    {
        if (_streams.Remove(number, out var place))
            place.Lane.Streams.Remove(place.Stream);
    }

    private void ForgetStreams()
    {
        _streams.Clear();
        foreach (var queue in _asked.Values)
            queue.Clear();
    }
}
