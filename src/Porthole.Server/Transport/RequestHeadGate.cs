using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Porthole.Server.Transport;

/// <summary>
/// Holds back the first request head of a connection until it is whole, so that repeated identical lines can be taken out
/// (contract section 14: Kestrel refuses a second Host header, and an official client sends one).
/// </summary>
internal sealed class RequestHeadGate
{
    // Above this no head is worth repairing; Kestrel's own limit answers it.
    private const int MaxHeadBytes = 64 * 1024;

    private byte[] _held = [];
    private int _count;
    private bool _open;

    /// <summary>Hands <paramref name="received"/>, which lies in memory just taken from <paramref name="writer"/>, on to Kestrel.</summary>
    public void Pass(PipeWriter writer, ReadOnlySpan<byte> received)
    {
        if (_open)
        {
            writer.Advance(received.Length);
            return;
        }

        if (_count == 0 && (!IsHttp(received) || IsWholeSimpleHead(received)))
        {
            _open = true;
            writer.Advance(received.Length);
            return;
        }

        Hold(received);
        var end = _held.AsSpan(0, _count).IndexOf("\r\n\r\n"u8);
        if (end < 0 && _count < MaxHeadBytes)
            return;
        _open = true;
        var head = end < 0 ? _held.AsSpan(0, 0) : _held.AsSpan(0, end + 4);
        writer.Write(RequestHeadFilter.RemoveRepeatedLines(head));
        writer.Write(_held.AsSpan(head.Length, _count - head.Length));
        _held = [];
    }

    // A TLS record begins with a control byte, an HTTP method with a letter.
    private static bool IsHttp(ReadOnlySpan<byte> received) => char.IsAsciiLetter((char)received[0]);

    // The usual case needs no copy: the head came in one piece and names its host once.
    private static bool IsWholeSimpleHead(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        var hosts = 0;
        foreach (var range in received[..end].Split("\r\n"u8))
            hosts += NamesHost(received[range]) ? 1 : 0;
        return hosts <= 1;
    }

    private void Hold(ReadOnlySpan<byte> received)
    {
        if (_count + received.Length > _held.Length)
            Array.Resize(ref _held, Math.Max(_count + received.Length, 4096));
        received.CopyTo(_held.AsSpan(_count));
        _count += received.Length;
    }

    private static bool NamesHost(ReadOnlySpan<byte> line) =>
        line.Length >= 5 && line[4] == (byte)':' && Ascii.EqualsIgnoreCase(line[..4], "host"u8);
}
