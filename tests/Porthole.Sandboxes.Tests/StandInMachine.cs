using System.Net.Sockets;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes.Tests;

/// <summary>QEMU and the guest behind it, as the server's end of the link sees them: one port on a unix socket, one server at a time.</summary>
internal sealed class StandInMachine : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly LinkWriter _writer = new();
    private MachinePortReader _reader = new();
    private Socket? _port;

    public StandInMachine()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(Directory, "link.sock")));
        _listener.Listen(4);
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("porthole-machine-").FullName;

    /// <summary>Takes the next connection and answers its reset, as a guest with an identity does.</summary>
    public async Task GreetAsync()
    {
        await AcceptAsync();
        var token = await NextAsync(MachinePortUnit.Reset);
        await SendRawAsync([MachinePort.Reset, .. token]);
        await SendAsync(new LinkHello(LinkHello.CurrentVersion).Write(_writer).ToArray());
        Assert.Equal(LinkFrameType.Hello, (await NextFrameAsync()).Frame.Type);
    }

    public async Task AcceptAsync()
    {
        _port?.Dispose();
        _reader = new MachinePortReader();
        _port = await _listener.AcceptAsync(TestContext.Current.CancellationToken).AsTask().InTime();
    }

    public async Task<(LinkFrame Frame, byte[] Payload)> NextFrameAsync()
    {
        var unit = await NextAsync(MachinePortUnit.Frame);
        return (LinkFrame.ReadHeader(unit), unit[LinkFrame.HeaderBytes..]);
    }

    public Task SendAsync(byte[] frame) => SendRawAsync(frame);

    public async Task SendRawAsync(byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += await _port!.SendAsync(bytes.AsMemory(sent), SocketFlags.None, TestContext.Current.CancellationToken).AsTask().InTime();
    }

    /// <summary>Reads until the server hangs up.</summary>
    public async Task HangUpAsync()
    {
        var buffer = new byte[4096];
        while (await _port!.ReceiveAsync(buffer, SocketFlags.None, TestContext.Current.CancellationToken).AsTask().InTime() > 0)
        {
        }
    }

    public void Dispose()
    {
        _port?.Dispose();
        _listener.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private async Task<byte[]> NextAsync(MachinePortUnit wanted)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var unit = _reader.Next(out var content);
            if (unit == wanted)
                return content.ToArray();
            Assert.Equal(MachinePortUnit.None, unit);
            var count = await _port!.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, _reader.Room.Length)), SocketFlags.None, TestContext.Current.CancellationToken).AsTask().InTime();
            Assert.NotEqual(0, count);
            buffer.AsSpan(0, count).CopyTo(_reader.Room);
            _reader.Filled(count);
        }
    }
}
