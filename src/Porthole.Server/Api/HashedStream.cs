using System.Security.Cryptography;
using Porthole.Protocol.Aws;

namespace Porthole.Server.Api;

/// <summary>
/// Reads a stream whose SHA-256 is known beforehand. The last bytes are handed out only when the hash is right, so that whoever reads to the
/// end has what was announced, and whoever was sent something else never sees it whole.
/// </summary>
/// <param name="source">The bytes; left open.</param>
/// <param name="sha256">Their hash in hexadecimal, lower case.</param>
internal sealed class HashedStream(Stream source, string sha256) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _held = new byte[64 * 1024];
    private byte[] _next = new byte[64 * 1024];
    private int _heldStart;
    private int _heldEnd;
    private int _nextBytes = -1;

    /// <summary>The answer to give when the bytes were others.</summary>
    public AwsError? Failure { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_heldStart == _heldEnd)
            await AdvanceAsync(cancellationToken);
        var count = Math.Min(buffer.Length, _heldEnd - _heldStart);
        _held.AsMemory(_heldStart, count).CopyTo(buffer);
        _heldStart += count;
        return count;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("reads are asynchronous");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _hash.Dispose();
        base.Dispose(disposing);
    }

    // One buffer is handed out while the one behind it is here already, or is known to be none.
    private async ValueTask AdvanceAsync(CancellationToken cancellationToken)
    {
        if (_nextBytes == 0)
            return;
        if (_nextBytes < 0)
            _nextBytes = await ReceiveAsync(cancellationToken);
        (_held, _next) = (_next, _held);
        (_heldStart, _heldEnd) = (0, _nextBytes);
        if (_nextBytes > 0)
            _nextBytes = await ReceiveAsync(cancellationToken);
        if (_nextBytes == 0)
            Check();
    }

    private async ValueTask<int> ReceiveAsync(CancellationToken cancellationToken)
    {
        var count = await source.ReadAsync(_next, cancellationToken);
        _hash.AppendData(_next, 0, count);
        return count;
    }

    private void Check()
    {
        var actual = Convert.ToHexStringLower(_hash.GetHashAndReset());
        if (actual == sha256)
            return;
        _heldEnd = _heldStart;
        Failure = AwsError.AccessDenied($"The body's SHA-256 is {actual}, not '{sha256}' as {SigV4.ContentSha256Header} says.");
        throw new IOException(Failure.Message);
    }
}
