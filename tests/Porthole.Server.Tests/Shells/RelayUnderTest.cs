using System.Net;
using System.Net.Sockets;
using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Server.Shells;

namespace Porthole.Server.Tests.Shells;

/// <summary>A relay between two sockets that the test holds the other ends of: the client's, and the guest's.</summary>
internal sealed class RelayUnderTest : IDisposable
{
    private static readonly Lazy<RelayLoops> Loops = new(() => new RelayLoops());
    private readonly TemporaryDirectory _directory = new();
    private readonly Socket _accepted;

    public RelayUnderTest(ShellLimits? limits = null)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 10_000 };
        Client.Connect(listener.LocalEndPoint!);
        _accepted = listener.Accept();
        _accepted.Blocking = false;
        Log = new RecordingLogger<RelayUnderTest>();
        Connection = new ShellConnection((int)_accepted.Handle, tls: null, "shell", limits ?? ShellLimits.Default, Loops.Value, Log);
        Connection.Start([]);
    }

    public Socket Client { get; }

    public Socket Guest { get; private set; } = null!;

    public ShellConnection Connection { get; }

    public RecordingLogger<RelayUnderTest> Log { get; }

    public void Attach() => Attach(guest => Guest = new Socket(new SafeSocketHandle(guest, ownsHandle: true)) { Blocking = true, ReceiveTimeout = 10_000 });

    private unsafe void Attach(Action<int> useGuestEnd)
    {
        var pair = stackalloc int[2];
        Assert.Equal(0, Libc.SocketPair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0, pair));
        useGuestEnd(pair[1]);
        Connection.Attach(new Descriptor(pair[0]), ShellCursor.Open(Path.Combine(_directory.Path, "cursor")), null);
    }

    /// <summary>Attaches to a guest that has closed its lane already.</summary>
    public void AttachToDeadGuest() => Attach(pair => new Descriptor(pair).Dispose());

    /// <summary>Plays an honest guest up to the attachment.</summary>
    public void Confirm(bool created = true)
    {
        Attach();
        var writer = new LinkWriter();
        Guest.Send(new LinkHello(LinkHello.CurrentVersion).Write(writer));
        Guest.Send(new ShellAttached(created, 7, 0, 0, 0, 64 * 1024).Write(writer, 1));
    }

    public void Dispose()
    {
        Client.Dispose();
        Guest?.Dispose();
        Assert.True(Connection.Ended.Wait(TimeSpan.FromSeconds(20)), "the connection did not end");
        _accepted.Dispose();
        _directory.Dispose();
    }
}
