using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// The way out of a sandbox: slirp4netns, an ordinary process outside that makes the connections which those inside ask for.
/// It cannot reach the host's loopback, and routes keep the host's other addresses and what the operator denies from it.
/// </summary>
internal sealed class UserModeNetwork
{
    // linux/misc.h and devices.txt: what slirp4netns opens.
    private const int MiscMajor = 10, TunMinor = 200, MemoryMajor = 1, NullMinor = 3, RandomMinor = 9;

    // Descriptors of slirp4netns.
    private const int Exit = 3, NetworkNamespace = 4, UserNamespace = 5, Ready = 6;

    // The largest that fits libslirp; large frames are what makes it fast.
    private const int Mtu = 65520;

    private static readonly TimeSpan EndingTimeout = TimeSpan.FromSeconds(1);

    // One that does not live for this long would not live longer the next time.
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(10);

    private static readonly string[] AddressRanges = ["10.0.2.0/24", "10.213.2.0/24", "172.31.213.0/24", "192.168.213.0/24"];

    private readonly EventLoop _loop;
    private readonly SandboxOptions _options;
    private readonly string _slirp;
    private readonly string _nsenter;
    private readonly string _mountPoint;
    private readonly IPNetwork _range;

    private UserModeNetwork(EventLoop loop, SandboxOptions options, string slirp, string nsenter, string mountPoint) =>
        (_loop, _options, _slirp, _nsenter, _mountPoint, _range) = (loop, options, slirp, nsenter, mountPoint, FreeRange(HostNetworks()));

    /// <summary>The name server that those inside use; it asks the host's own.</summary>
    public string NameServer => At(3);

    /// <summary>Whether this host can do it; otherwise why not and what to install.</summary>
    public static UserModeNetwork? TryCreate(EventLoop loop, SandboxOptions options, string mountPoint, out string? problem)
    {
        problem = Problem();
        return problem is null ? new UserModeNetwork(loop, options, HostTool.Find("slirp4netns")!, HostTool.Find("nsenter")!, mountPoint) : null;
    }

    /// <summary>What is missing on this host, in words for an operator; null for nothing.</summary>
    public static string? Problem()
    {
        if (HostTool.Find("slirp4netns") is null)
            return "slirp4netns is missing: install the package slirp4netns";
        if (HostTool.Find("nsenter") is null)
            return "nsenter is missing: install the package util-linux";

        // Root makes a device node of its own; everybody else needs the right to the host's.
        if (Environment.IsPrivilegedProcess)
            return Directory.Exists("/sys/class/misc/tun") || File.Exists("/dev/net/tun") ? null : "the kernel has no tun devices: load the module tun";
        return CanOpen("/dev/net/tun") ? null : "/dev/net/tun cannot be opened by this user: load the module tun, and allow the device to everybody (chmod 0666, as udev does)";
    }

    /// <summary>Connects a sandbox to the world, and keeps it connected until it ends.</summary>
    /// <param name="sandbox">The sandbox.</param>
    /// <param name="cgroups">Groups that the process joins.</param>
    /// <param name="process">The process that does it already, in a sandbox that was adopted.</param>
    /// <param name="heard">Completes when the sandbox's own preparations are done: bubblewrap fails when somebody else brings the loopback up before it has.</param>
    /// <param name="egress">Told once that all is well (null), or what is not.</param>
    public async Task KeepAsync(Sandbox sandbox, IReadOnlyList<string> cgroups, WatchedProcess? process, Task heard, TaskCompletionSource<string?> egress)
    {
        await Task.WhenAny(heard, sandbox.Ending);
        var adopted = process;
        try
        {
            while (true)
            {
                var started = TimeProvider.System.GetTimestamp();
                process ??= await ConnectAsync(sandbox, cgroups);
                egress.TrySetResult(null);
                var how = await process.Ended;

                // Its own end is the first that we see of a sandbox's; but it also has reasons of its own, such as a host out of memory.
                if (await Task.WhenAny(sandbox.Ending, Task.Delay(EndingTimeout)) == sandbox.Ending)
                    return;
                _options.Warn($"slirp4netns of the session of {sandbox.Directory} {how}");
                if (TimeProvider.System.GetElapsedTime(started) < ShortestLife && process != adopted)
                    return;
                process = null;
            }
        }
        catch (Exception failure) when (failure is SandboxException or IOException)
        {
            egress.TrySetResult(failure.Message);
            if (!sandbox.Ending.IsCompleted)
                _options.Warn($"the session of {sandbox.Directory} has no way out to the network: {failure.Message}");
        }
    }

    private async Task<WatchedProcess> ConnectAsync(Sandbox sandbox, IReadOnlyList<string> cgroups)
    {
        var (inner, user) = (sandbox.InnerPid, sandbox.UserId);
        using var network = Descriptor.Open($"/proc/{inner}/ns/net", Libc.O_RDONLY);

        // bubblewrap has moved into a second user namespace, which does not own the network: ask who does.
        using var owner = new Descriptor(Libc.GetOwningUserNamespace(network.Number));
        if (owner.IsInvalid)
            throw PosixException.FromLast("find the sandbox's user namespace");
        if (user is null)
            await DenyAsync(network, owner);

        // Reading end of the pipe whose writing end only the first process inside has: its end is the sandbox's.
        using var exit = Descriptor.Open($"/proc/{inner}/fd/{SandboxDescriptors.Lifetime}", Libc.O_RDONLY | Libc.O_NONBLOCK);
        using var log = BoundedLog.Create();
        var (readyReader, readyWriter) = Descriptor.Pipe();
        WatchedProcess process;
        using (readyWriter)
        {
            var pid = new ProcessStart
            {
                Path = _options.LaunchPath,
                Arguments = Plan(user, cgroups).Arguments,
                Environment = [$"{ProcessTable.MarkerVariable}={sandbox.State.Id}"],
                Directory = "/",
                Descriptors = [-1, log.Descriptor.Number, log.Descriptor.Number, exit.Number, network.Number, owner.Number, readyWriter.Number],
            }.Start();
            process = WatchedProcess.TryWatch(_loop, pid)!;
        }

        sandbox.SetNetworkProcess(process);
        if (await PipeReader.ReadToEndAsync(_loop, readyReader) != "1")
            throw new SandboxException($"slirp4netns {await process.Ended}: {log.Tail()}");
        return process;
    }

    // Before there is a way out: routes to nowhere for what must not be reached. Root sets them from outside; an ordinary user has the right
    // as a member of the user namespace only, which a process of several threads, as ours and the launcher are, cannot become.
    private async Task DenyAsync(Descriptor network, Descriptor owner)
    {
        var plan = Deny(new LaunchPlan()).Exec("/bin/true");
        var command = (string[])
        [
            _nsenter, "--preserve-credentials", $"--user=/proc/self/fd/{UserNamespace}", $"--net=/proc/self/fd/{NetworkNamespace}",
            _options.LaunchPath, .. plan.Arguments.Skip(1),
        ];
        var (succeeded, output) = await HostCommand.RunAsync(_loop, command, [-1, network.Number, owner.Number], CancellationToken.None);
        if (!succeeded)
            throw new SandboxException($"the host's addresses could not be made unreachable: {output}");
    }

    private LaunchPlan Deny(LaunchPlan plan)
    {
        foreach (var denied in _options.DeniedNetworks.Concat(HostNetworks().Select(host => $"{host.Address}/32")))
            plan.Unreachable(denied);
        return plan;
    }

    private LaunchPlan Plan(uint? user, IReadOnlyList<string> cgroups)
    {
        var plan = new LaunchPlan();
        foreach (var group in cgroups)
            plan.JoinCgroup(group);
        plan.OutOfMemoryScore(SandboxDriver.OutOfMemoryScore).Limit("core", 0);
        var (networkPath, ownerPath) = ($"/proc/self/fd/{NetworkNamespace}", $"/proc/self/fd/{UserNamespace}");
        if (user is { } id)
        {
            // A root directory with no more in it than the program needs. /etc and /run, because resolv.conf is replaced as a whole and may
            // be a link: what is not everybody's to read there is not this user id's either.
            Deny(plan.EnterNetwork(NetworkNamespace)).LeaveNetwork().PrivateMounts().Tmpfs(_mountPoint);
            foreach (var directory in (string[])["/usr", "/bin", "/lib", "/lib64", "/etc", "/run"])
            {
                if (Directory.Exists(directory))
                    plan.BindReadOnly(directory, _mountPoint + directory);
            }

            plan.BindReadOnly(networkPath, _mountPoint + "/network").BindReadOnly(ownerPath, _mountPoint + "/owner")
                .Device(_mountPoint + "/dev/net/tun", MiscMajor, TunMinor).Device(_mountPoint + "/dev/null", MemoryMajor, NullMinor)
                .Device(_mountPoint + "/dev/urandom", MemoryMajor, RandomMinor)
                .BecomeRoot(_mountPoint).BecomeUser(id);
            (networkPath, ownerPath) = ("/network", "/owner");
        }

        return plan.Exec(_slirp, "--configure", $"--mtu={Mtu}", $"--cidr={_range}", "--disable-host-loopback", "--enable-seccomp",
            $"--exit-fd={Exit}", $"--ready-fd={Ready}", $"--userns-path={ownerPath}", "--netns-type=path", networkPath, "tap0");
    }

    private string At(byte host)
    {
        var bytes = _range.BaseAddress.GetAddressBytes();
        bytes[^1] = host;
        return new IPAddress(bytes).ToString();
    }

    private static bool CanOpen(string path)
    {
        try
        {
            Descriptor.Open(path, Libc.O_RDWR).Dispose();
            return true;
        }
        catch (PosixException)
        {
            return false;
        }
    }

    // A range that the host itself does not use, or it could not be told apart from the host's.
    private static IPNetwork FreeRange(IReadOnlyList<UnicastIPAddressInformation> host) =>
        AddressRanges.Select(IPNetwork.Parse)
            .FirstOrDefault(range => !host.Any(address => range.Contains(address.Address) || new IPNetwork(Masked(address), address.PrefixLength).Contains(range.BaseAddress)),
                IPNetwork.Parse(AddressRanges[0]));

    private static IPAddress Masked(UnicastIPAddressInformation address)
    {
        var bytes = address.Address.GetAddressBytes().Zip(address.IPv4Mask.GetAddressBytes(), (part, mask) => (byte)(part & mask));
        return new IPAddress(bytes.ToArray());
    }

    private static List<UnicastIPAddressInformation> HostNetworks() =>
        [.. NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .Where(address => address.Address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address.Address))];
}
