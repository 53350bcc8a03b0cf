using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Porthole.Posix;

namespace Porthole.Sandboxes.Tests;

public sealed class NetworkTests
{
    // Reads an HTTP status line or whatever else the peer says first; perl, because curl is not everywhere.
    private const string Connect = """
        perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "{0}", Timeout => 5) or die "refused: $@\n"; print "connected\n"'
        """;

    [Fact]
    public async Task A_sandbox_with_egress_has_a_way_out_and_asks_its_own_name_server()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();

        Assert.Null(await sandbox.Egress.InTime());

        Assert.Contains("tap0", await sandbox.OutputAsync("cat /proc/net/dev"));
        Assert.Matches(@"nameserver \d+\.\d+\.\d+\.3", await sandbox.OutputAsync("cat /etc/resolv.conf"));
        Assert.True(ProcessTable.Find(sandbox.State.Id).Count() == 3, "launcher's successors and slirp4netns");
    }

    [Fact]
    public async Task The_hosts_loopback_and_its_other_addresses_cannot_be_reached()
    {
        await using var driver = await TestDriver.CreateAsync();
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var sandbox = await driver.StartAsync();
        Assert.Null(await sandbox.Egress.InTime());
        var gateway = (await sandbox.OutputAsync("cat /etc/resolv.conf")).Split(' ')[1][..^1] + "2";

        var own = NetworkInterface.GetAllNetworkInterfaces().SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .Select(address => address.Address).Where(address => address.AddressFamily == AddressFamily.InterNetwork);
        foreach (var address in own.Select(address => address.ToString()).Append(gateway).Append("169.254.169.254"))
        {
            var (output, status) = await sandbox.RunAsync(Connect.Replace("{0}", $"{address}:{port}"));
            Assert.True(status != 0 && output.StartsWith("refused", StringComparison.Ordinal), $"{address} answered: {output}");
        }

        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task A_sandbox_without_egress_has_its_loopback_only()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync(driver.NewSpec() with { Egress = false });

        Assert.NotNull(await sandbox.Egress.InTime());
        Assert.Equal("lo", await sandbox.OutputAsync("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"));
        Assert.NotEqual(0, (await sandbox.RunAsync(Connect.Replace("{0}", "192.0.2.1:80"))).Status);
    }

    [Fact]
    public async Task The_network_ends_with_its_sandbox_also_when_no_server_runs()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        Assert.Null(await sandbox.Egress.InTime());
        driver.Abandon();
        using var loop = new EventLoop("test");
        loop.Start();
        var network = WatchedProcess.TryWatch(loop, sandbox.State.Network!.Pid)!;
        using var inner = PidFd.TryOpen(sandbox.InnerPid)!;

        inner.Signal(Libc.SIGKILL);

        await network.Ended.InTime();
        loop.Stop();
        loop.Join();
    }
}
