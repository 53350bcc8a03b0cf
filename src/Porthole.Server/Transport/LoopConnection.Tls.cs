using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Posix;
using Porthole.Server.Tls;

namespace Porthole.Server.Transport;

// A client that speaks TLS. The handshake runs on the thread pool, all after it on the loop.
internal sealed partial class LoopConnection
{
    // As Kestrel's own: longer than any honest handshake, short for whoever holds sockets open.
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(10);

    private readonly ServerCertificate? _certificate;
    private LoopTimer? _handshakeTimer;
    private bool _isSecure;

    private void BeginHandshake(TlsSession tls)
    {
        _handshakeTimer = _loop.Schedule(HandshakePatience, () => EndInput(new ConnectionAbortedException("the TLS handshake took too long")));
        _ = HandshakeAsync(tls);
    }

    private async Task HandshakeAsync(TlsSession tls)
    {
        try
        {
            await tls.AuthenticateAsync(_certificate!.Options(), _output.SendAsync);
            _loop.Post(() => OnSecure(tls));
        }
        catch (Exception e)
        {
            // Whatever it is, it is this connection's alone, and there is nobody yet who could be told but the log.
            _certificate!.LogFailedHandshake(RemoteEndPoint, e.Message);
            _loop.Post(() => EndInput(new ConnectionAbortedException("the TLS handshake failed", e)));
        }
    }

    private void OnSecure(TlsSession tls)
    {
        _handshakeTimer?.Cancel();
        if (_ended)
            return;
        _isSecure = true;
        tls.Open();
        PassOpened(tls);
    }

    private void ReceiveSealed(TlsSession tls)
    {
        Span<byte> sealedBytes = stackalloc byte[ReadBytes];
        if (!TryReceive(sealedBytes, out var count))
            return;
        tls.Feed(sealedBytes[..count]);
        if (_isSecure)
            PassOpened(tls);
    }

    // To Kestrel, all that can be opened.
    private void PassOpened(TlsSession tls)
    {
        while (true)
        {
            var memory = _input.Writer.GetMemory(ReadBytes);
            var count = tls.Read(memory);
            if (count == TlsSession.NeedsMore)
                break;
            if (count == TlsSession.Ended)
            {
                EndInput(tls.Failure is null ? null : new ConnectionResetException(tls.Failure));
                return;
            }

            _head.Pass(_input.Writer, memory.Span[..count]);
        }

        FlushInput();
    }

    // As far as there is room: nobody waits for a client that takes nothing.
    private unsafe void SayGoodbye()
    {
        if (Tls is null)
            return;
        _handshakeTimer?.Cancel();
        var goodbye = Tls.SealEnd().Span;
        fixed (byte* record = goodbye)
            _ = goodbye.IsEmpty ? 0 : Libc.Send(Fd, record, (nuint)goodbye.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
        Tls.Dispose();
    }

    // Clients show no certificates here.
    private sealed class Encrypted : ITlsConnectionFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
    }
}
