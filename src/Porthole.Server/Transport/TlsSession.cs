using System.Buffers;
using System.Net.Security;
using System.Security.Authentication;

#pragma warning disable CA2012 // A read that waits is kept until it is fed, and its result is taken once; it is never awaited.

namespace Porthole.Server.Transport;

/// <summary>
/// The TLS of one connection, without its input and output: whoever owns the descriptor feeds it what arrived and takes the plain bytes, and has it
/// seal what is to be sent. So the connection stays a bare descriptor, before and after it leaves HTTP (docs/decisions/0017).
/// </summary>
/// <remarks>
/// Feeding and reading belong to the loop that owns the connection, sealing to whoever writes to it. After the handshake nothing in here waits or
/// changes the thread: the framework's stream works on memory, and goes on within the call that feeds it.
/// </remarks>
internal sealed class TlsSession : IDisposable
{
    /// <summary>What <see cref="Read"/> returns when there is nothing before more is fed, and when there never will be.</summary>
    public const int NeedsMore = 0, Ended = -1;

    private readonly TlsWire _wire = new();
    private readonly SslStream _stream;
    private readonly Lock _sealing = new();
    private ValueTask<int> _arrival;
    private bool _isOpen;
    private bool _hasGap;

    public TlsSession() => _stream = new SslStream(_wire);

    /// <summary>Why reading ended, when that was not the client's own goodbye.</summary>
    public string? Failure { get; private set; }

    /// <summary>Does the handshake, on the thread pool: it costs too much for a loop that others share.</summary>
    /// <param name="options">The certificate and the rest.</param>
    /// <param name="send">Sends bytes to the client.</param>
    /// <exception cref="AuthenticationException">The two sides do not agree.</exception>
    /// <exception cref="IOException">The client has left, or speaks no TLS.</exception>
    public Task AuthenticateAsync(SslServerAuthenticationOptions options, Func<ReadOnlyMemory<byte>, ValueTask> send)
    {
        _wire.SendHandshake = send;
        return _stream.AuthenticateAsServerAsync(options);
    }

    /// <summary>Begins to read, after the handshake. On the loop, as all reading from here on.</summary>
    public void Open()
    {
        _wire.LeaveHandshake();
        _arrival = _stream.ReadAsync(Memory<byte>.Empty);
        lock (_sealing)
            _isOpen = true;
    }

    /// <summary>Takes bytes that came from the client. After the handshake, <see cref="Read"/> all there is before more is fed.</summary>
    public void Feed(ReadOnlySpan<byte> received) => _wire.Feed(received);

    /// <summary>The client sends nothing more.</summary>
    public void FeedEnd() => _wire.FeedEnd();

    /// <summary>Takes plain bytes.</summary>
    /// <param name="plain">Where they go; not empty.</param>
    /// <returns>How many there were, <see cref="NeedsMore"/> or <see cref="Ended"/>.</returns>
    public int Read(Memory<byte> plain)
    {
        if (!_arrival.IsCompleted)
            return NeedsMore;
        try
        {
            // A read of nothing is over when something is decrypted, and the next read then takes it without waiting.
            _ = _arrival.GetAwaiter().GetResult();
            _arrival = default;
            var count = _stream.ReadAsync(plain).GetAwaiter().GetResult();
            if (count == 0)
                return Ended;
            _arrival = _stream.ReadAsync(Memory<byte>.Empty);
            return count;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            Failure = e.Message;
            return Ended;
        }
    }

    /// <summary>Makes records of plain bytes, which must then be sent, all of them and in this order.</summary>
    /// <param name="plain">The bytes.</param>
    /// <param name="records">Gets the records.</param>
    public void Seal(ReadOnlySpan<byte> plain, ArrayBufferWriter<byte> records)
    {
        lock (_sealing)
        {
            _wire.Records = records;
            _stream.Write(plain);
            _wire.Records = null;
        }
    }

    /// <summary>Makes the record that says goodbye, without which clients take the end for a truncation.</summary>
    /// <returns>Nothing, when the client could not read it.</returns>
    public ReadOnlyMemory<byte> SealEnd()
    {
        var records = new ArrayBufferWriter<byte>();
        lock (_sealing)
        {
            if (!_isOpen || _hasGap || Failure is not null)
                return default;
            _wire.Records = records;
            var shutdown = _stream.ShutdownAsync();
            _wire.Records = null;
            return shutdown.IsCompletedSuccessfully ? records.WrittenMemory : default;
        }
    }

    /// <summary>Says that records were not sent, or not to their end: what came behind them would be garbage to the client.</summary>
    public void LeaveGap()
    {
        lock (_sealing)
            _hasGap = true;
    }

    public void Dispose()
    {
        FeedEnd();
        _stream.Dispose();
    }
}
