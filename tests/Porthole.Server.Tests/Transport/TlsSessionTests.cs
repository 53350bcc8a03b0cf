using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Porthole.Server.Store;
using Porthole.Server.Tls;
using Porthole.Server.Transport;

namespace Porthole.Server.Tests.Transport;

/// <summary>A client with the framework's TLS on one end, and on the other the session, for which the test is the loop.</summary>
public sealed class TlsSessionTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _temporary = new();
    private readonly TlsSession _session = new();
    private readonly ArrayBufferWriter<byte> _records = new();
    private Socket _server = null!;
    private SslStream _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var authority = new PrivateAuthority(DataDirectory.Create(_temporary.Path), TimeProvider.System);
        using var certificate = ServerCertificate.Of(authority, ["localhost"]);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndpoint);
        _server = await listener.AcceptSocketAsync();
        _client = new SslStream(new NetworkStream(client, ownsSocket: true));
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(authority.CertificatePath);
        var answering = _session.AuthenticateAsync(certificate.Options(), async bytes => await _server.SendAsync(bytes));
        var asking = _client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = trust });
        while (!answering.IsCompleted)
        {
            if (_server.Available > 0)
                _session.Feed(await ReceiveAsync());
            else
                await Task.WhenAny(answering, Task.Delay(1));
        }

        await Task.WhenAll(answering, asking);
        _session.Open();
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _session.Dispose();
        _server.Dispose();
        _temporary.Dispose();
    }

    private async Task<byte[]> ReceiveAsync()
    {
        var buffer = new byte[64 * 1024];
        return buffer[..await _server.ReceiveAsync(buffer)];
    }

    private byte[] ReadAll(int bufferBytes = 4096)
    {
        var all = new MemoryStream();
        var buffer = new byte[bufferBytes];
        int count;
        while ((count = _session.Read(buffer)) > 0)
            all.Write(buffer, 0, count);
        Assert.Equal(TlsSession.NeedsMore, count);
        return all.ToArray();
    }

    private static byte[] Random(int count)
    {
        var bytes = new byte[count];
        System.Random.Shared.NextBytes(bytes);
        return bytes;
    }

    [Theory]
    [InlineData(1, 4096)]
    [InlineData(7, 3)]
    [InlineData(64 * 1024, 100)]
    [InlineData(64 * 1024, 64 * 1024)]
    public async Task What_the_client_says_is_read_within_the_call_that_feeds_it_however_it_is_cut(int pieceBytes, int bufferBytes)
    {
        var said = Random(50_000);
        var saying = _client.WriteAsync(said, Cancellation).AsTask();
        var heard = new MemoryStream();
        while (heard.Length < said.Length)
        {
            foreach (var piece in (await ReceiveAsync()).Chunk(pieceBytes))
            {
                _session.Feed(piece);
                heard.Write(ReadAll(bufferBytes));
            }
        }

        await saying;
        Assert.Equal(said, heard.ToArray());
    }

    [Fact]
    public async Task What_is_sealed_is_whole_records_and_reaches_the_client_in_order()
    {
        var said = Random(200_000);
        foreach (var part in said.Chunk(33_333))
        {
            _records.ResetWrittenCount();
            _session.Seal(part, _records);
            await _server.SendAsync(_records.WrittenMemory, Cancellation);
        }

        var heard = new byte[said.Length];
        await _client.ReadExactlyAsync(heard, Cancellation);
        Assert.Equal(said, heard);
    }

    [Fact]
    public async Task Both_goodbyes_are_ends_and_no_failures()
    {
        await _server.SendAsync(_session.SealEnd(), Cancellation);
        Assert.Equal(0, await _client.ReadAsync(new byte[1], Cancellation));
        await _client.WriteAsync("last words"u8.ToArray(), Cancellation);
        await _client.ShutdownAsync();
        var heard = new MemoryStream();
        var buffer = new byte[100];
        int count;
        do
        {
            _session.Feed(await ReceiveAsync());
            while ((count = _session.Read(buffer)) > 0)
                heard.Write(buffer, 0, count);
        }
        while (count != TlsSession.Ended);

        Assert.Equal("last words"u8.ToArray(), heard.ToArray());
        Assert.Null(_session.Failure);
    }

    [Fact]
    public void What_is_no_record_ends_with_the_reason()
    {
        _session.Feed([23, 3, 3, 0, 20, .. Random(20)]);
        Assert.Equal(TlsSession.Ended, _session.Read(new byte[100]));
        Assert.NotNull(_session.Failure);
        Assert.True(_session.SealEnd().IsEmpty);
    }

    [Fact]
    public async Task An_end_inside_a_record_is_a_failure()
    {
        await _client.WriteAsync(Random(1000), Cancellation);
        _session.Feed((await ReceiveAsync()).AsSpan(0, 500));
        Assert.Empty(ReadAll());
        _session.FeedEnd();
        Assert.Equal(TlsSession.Ended, _session.Read(new byte[100]));
        Assert.NotNull(_session.Failure);
    }

    [Fact]
    public void Behind_a_gap_nothing_is_said()
    {
        _session.LeaveGap();
        Assert.True(_session.SealEnd().IsEmpty);
    }
}
