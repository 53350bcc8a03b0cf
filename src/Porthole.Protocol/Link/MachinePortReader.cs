namespace Porthole.Protocol.Link;

/// <summary>What a <see cref="MachinePortReader"/> found.</summary>
public enum MachinePortUnit
{
    /// <summary>Nothing whole: more bytes are needed.</summary>
    None,

    /// <summary>A frame, header and all.</summary>
    Frame,

    /// <summary>A reset; its token.</summary>
    Reset,
}

/// <summary>The guest's end of <see cref="MachinePort"/>: finds the frames, and the resets whatever came before them.</summary>
public sealed class MachinePortReader
{
    // Fewer zeros than any server sends before a reset, more than stand behind each other by chance where a frame was cut off.
    private const int SignOfReset = 16;

    private readonly byte[] _buffer = new byte[MachinePort.MaxUnitBytes + 4096];
    private int _start;
    private int _end;
    private int _zeros;
    private bool _lost;

    /// <summary>Where bytes go that arrive; never empty after <see cref="Next"/> has found nothing.</summary>
    public Span<byte> Room
    {
        get
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            return _buffer.AsSpan(_end);
        }
    }

    /// <summary>Says how many bytes of <see cref="Room"/> have been filled.</summary>
    public void Filled(int count) => _end += count;

    /// <summary>Takes the next unit.</summary>
    /// <param name="content">The frame or the token, valid until <see cref="Room"/> is asked for.</param>
    public MachinePortUnit Next(out ReadOnlySpan<byte> content)
    {
        while (true)
        {
            SkipPadding();
            var rest = _buffer.AsSpan(_start, _end - _start);
            content = default;
            if (rest.IsEmpty)
                return MachinePortUnit.None;
            var isReset = rest[0] == MachinePort.Reset && (!_lost || _zeros >= SignOfReset);
            var isFrame = rest[0] == MachinePort.Frame && !_lost;
            if (!isReset && !isFrame)
            {
                Lose();
                continue;
            }

            var length = isReset ? MachinePort.TokenBytes : LengthOfFrame(rest[1..]);
            if (length == 0)
            {
                Lose();
                continue;
            }

            if (length < 0 || rest.Length < 1 + length + (isFrame ? 1 : 0))
                return MachinePortUnit.None;
            if (isFrame && rest[1 + length] != MachinePort.FrameEnd)
            {
                Lose();
                continue;
            }

            content = rest.Slice(1, length);
            _start += 1 + length + (isFrame ? 1 : 0);
            (_zeros, _lost) = (0, false);
            return isReset ? MachinePortUnit.Reset : MachinePortUnit.Frame;
        }
    }

    // Negative when the header is not whole yet.
    private static int LengthOfFrame(ReadOnlySpan<byte> frame) => frame.Length < LinkFrame.HeaderBytes ? -1 : MachinePort.FrameLength(frame);

    private void SkipPadding()
    {
        var rest = _buffer.AsSpan(_start, _end - _start);
        var zeros = rest.IndexOfAnyExcept(MachinePort.Padding);
        if (zeros < 0)
            zeros = rest.Length;
        _start += zeros;
        _zeros = Math.Min(_zeros + zeros, MachinePort.PaddingBytes);
    }

    private void Lose()
    {
        _start++;
        (_zeros, _lost) = (0, true);
    }
}
