using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Porthole.Posix;

namespace Porthole.Guest.Tests;

/// <summary>A running guest with its listening socket and its log; it and all it started are ended when this is disposed.</summary>
internal sealed class GuestUnderTest : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("porthole-guest-").FullName;
    private readonly List<Lane> _lanes = [];

    // Kept to the end: disposing it removes the socket's file.
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private bool _ended;

    private GuestUnderTest(IReadOnlyList<string> command, int? descriptor = null)
    {
        _listener.Bind(new UnixDomainSocketEndPoint(SocketFile));
        _listener.Listen(64);
        ProcessId = Spawn(command, descriptor ?? (int)_listener.Handle);
    }

    public int ProcessId { get; }

    /// <summary>A directory for a test's own files.</summary>
    public string ScratchDirectory => _directory;

    public string Log => File.ReadAllText(Path.Combine(_directory, "log"));

    public TimeSpan ProcessorTime => TimeSpan.FromMilliseconds(10 * (long.Parse(Stat(ProcessId)[11], CultureInfo.InvariantCulture) + long.Parse(Stat(ProcessId)[12], CultureInfo.InvariantCulture)));

    public int DescriptorCount => Directory.GetFileSystemEntries($"/proc/{ProcessId}/fd").Length;

    public int ThreadCount => Directory.GetDirectories($"/proc/{ProcessId}/task").Length;

    /// <summary>Memory that is resident, in bytes.</summary>
    public long ResidentBytes => 1024 * long.Parse(
        File.ReadLines($"/proc/{ProcessId}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    private string SocketFile => Path.Combine(_directory, "link.sock");

    /// <summary>Starts it as a sandbox does: with a listening socket as descriptor 3.</summary>
    /// <param name="wrapper">A command that the guest's own is appended to.</param>
    public static GuestUnderTest Start(params IReadOnlyList<string> wrapper) => new([.. wrapper, GuestBinary.Path, "serve", "--listen-fd", "3"]);

    /// <summary>Starts it with one connected lane and no way to connect another.</summary>
    public static unsafe GuestUnderTest StartWithOneLane(out Lane lane)
    {
        var pair = stackalloc int[2];
        if (Libc.SocketPair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0, pair) < 0)
            throw PosixException.FromLast("socketpair");
        using var far = new Descriptor(pair[1]);
        lane = new Lane(new Socket(new SafeSocketHandle(pair[0], ownsHandle: true)));
        var guest = new GuestUnderTest([GuestBinary.Path, "serve", "--lane-fd", "3"], far.Number);
        guest._lanes.Add(lane.Greet());
        return guest;
    }

    public static void Kill(IEnumerable<int> processes)
    {
        foreach (var process in processes)
            _ = Libc.Kill(process, Libc.SIGKILL);
    }

    public Lane OpenLane() => ConnectLane().Greet();

    /// <summary>Connects without a word.</summary>
    public Lane ConnectLane()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(SocketFile));
        var lane = new Lane(socket);
        _lanes.Add(lane);
        return lane;
    }

    /// <summary>All processes that the guest started and their children, zombies too.</summary>
    public IReadOnlyList<int> Descendants()
    {
        var parents = Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0]))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture)).Select(id => (Id: id, Parent: Parent(id))).ToList();
        var found = new List<int> { ProcessId };
        for (var i = 0; i < found.Count; i++)
            found.AddRange(parents.Where(process => process.Parent == found[i]).Select(process => process.Id));
        return found[1..];
    }

    /// <summary>Waits until there are so many processes.</summary>
    public IReadOnlyList<int> WaitForDescendants(int count)
    {
        WaitUntil(() => Descendants().Count == count, () => $"{Descendants().Count} processes instead of {count}");
        return Descendants();
    }

    public void WaitUntilGone(IReadOnlyList<int> processes) =>
        WaitUntil(() => !processes.Any(process => Directory.Exists($"/proc/{process}")), () => $"left: {string.Join(' ', processes.Where(process => Directory.Exists($"/proc/{process}")))}");

    public void WaitUntil(Func<bool> condition, Func<string> otherwise)
    {
        for (var time = Stopwatch.StartNew(); !condition(); Thread.Sleep(5))
            Assert.True(time.Elapsed < Lane.Patience, $"{otherwise()}; the guest's log: {Log}");
    }

    /// <summary>Waits for the program to end by itself.</summary>
    /// <returns>Its exit code, or the signal that ended it as a negative number.</returns>
    public int WaitForExit()
    {
        var status = 0;
        WaitUntil(() => TryWait(out status), () => "the guest did not end");
        _ended = true;
        return (status & 0x7F) == 0 ? status >> 8 : -(status & 0x7F);
    }

    public unsafe void Dispose()
    {
        _lanes.ForEach(lane => lane.Dispose());
        if (!_ended)
        {
            var processes = Descendants();
            int status;
            _ = Libc.Kill(ProcessId, Libc.SIGKILL);
            _ = Libc.WaitPid(ProcessId, &status, 0);
            Kill(processes);
        }

        _listener.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static int Parent(int processId) => Stat(processId) is [_, var parent, ..] ? int.Parse(parent, CultureInfo.InvariantCulture) : 0;

    /// <summary>The fields of /proc/PID/stat from the state on; none when the process is gone.</summary>
    private static string[] Stat(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }

    private unsafe bool TryWait(out int status)
    {
        fixed (int* result = &status)
            return Libc.WaitPid(ProcessId, result, Libc.WNOHANG) != 0;
    }

    private unsafe int Spawn(IReadOnlyList<string> command, int socket)
    {
        var path = CStrings.Copy(Path.Combine(_directory, "log"));
        using var log = new Descriptor(Libc.Open(path, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_CLOEXEC, 0x180));
        NativeMemory.Free(path);
        return new ProcessStart
        {
            Path = command[0],
            Arguments = command,
            Environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            Descriptors = [-1, log.Number, log.Number, socket],
        }.Start();
    }
}
