using System.Diagnostics;
using System.Net.Sockets;
using Porthole.Posix;

namespace Porthole.Guest.Tests;

/// <summary>A running guest with its listening socket and its log, ended and cleaned up when disposed.</summary>
internal sealed class GuestUnderTest : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("porthole-guest-").FullName;
    private readonly List<Lane> _lanes = [];

    // Kept to the end: disposing it removes the socket's file.
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private bool _ended;

    private GuestUnderTest(Func<GuestUnderTest, int> start) => ProcessId = start(this);

    public int ProcessId { get; }

    public string LogFile => Path.Combine(_directory, "log");

    private string SocketFile => Path.Combine(_directory, "link.sock");

    /// <summary>Starts it as a sandbox does: with a listening socket as descriptor 3.</summary>
    public static GuestUnderTest Start() => new(guest =>
    {
        guest._listener.Bind(new UnixDomainSocketEndPoint(guest.SocketFile));
        guest._listener.Listen(64);
        return guest.Spawn([GuestBinary.Path, "serve", "--listen-fd", "3"], (int)guest._listener.Handle);
    });

    public Lane OpenLane()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(SocketFile));
        var lane = new Lane(socket);
        _lanes.Add(lane);
        lane.Greet();
        return lane;
    }

    /// <summary>Waits for the program to end by itself.</summary>
    /// <returns>Its exit code.</returns>
    public unsafe int WaitForExit()
    {
        var end = Stopwatch.StartNew();
        int status;
        while (Libc.WaitPid(ProcessId, &status, Libc.WNOHANG) == 0)
        {
            Assert.True(end.Elapsed < Lane.Patience, "the guest did not end");
            Thread.Sleep(5);
        }

        _ended = true;
        return (status & 0x7F) == 0 ? status >> 8 : -(status & 0x7F);
    }

    public unsafe void Dispose()
    {
        _lanes.ForEach(lane => lane.Dispose());
        if (!_ended)
        {
            int status;
            _ = Libc.Kill(ProcessId, Libc.SIGKILL);
            _ = Libc.WaitPid(ProcessId, &status, 0);
        }

        _listener.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private unsafe int Spawn(IReadOnlyList<string> command, int socket)
    {
        var path = CStrings.Copy(LogFile);
        using var log = new Descriptor(Libc.Open(path, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_CLOEXEC, 0x180));
        System.Runtime.InteropServices.NativeMemory.Free(path);
        return new ProcessStart { Path = command[0], Arguments = command, Environment = [], Descriptors = [-1, log.Number, log.Number, socket] }.Start();
    }
}
