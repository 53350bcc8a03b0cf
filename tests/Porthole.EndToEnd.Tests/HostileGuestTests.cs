using System.Globalization;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Protocol.Link;

namespace Porthole.EndToEnd.Tests;

/// <summary>What runs in a session can do to its own guest whatever it likes, and must not harm anybody else by it.</summary>
public sealed class HostileGuestTests
{
    // Inside a sandbox, bubblewrap is process 1 and the guest its child.
    private const string StopTheGuest = "kill -STOP $(pgrep -f 'guest serve' | tail -1)";

    [Fact]
    public async Task A_guest_that_is_stopped_keeps_the_next_server_from_nothing_but_its_own_session()
    {
        await using var server = await TestServer.StartAsync();
        using var neighbour = await ShellClient.OpenAsync(server);
        using var hostile = await ShellClient.OpenAsync(server);
        await hostile.QuietAsync();
        await hostile.SendAsync(StopTheGuest + "\n");
        using var api = new ApiClient(server);
        await Patience.UntilAsync("the guest to be stopped", () => IsStopped(server));
        await server.KillAsync();

        await server.StartAgainAsync();
        Assert.Contains("its guest does not answer", server.Log.Text, StringComparison.Ordinal);
        using var back = await ShellClient.OpenAsync(server, neighbour.SessionId, neighbour.ShellId);
        Assert.True(back.Reconnected);
        await back.QuietAsync();
        Assert.Equal("works\n", await back.RunAsync("echo works"));
        using var stopped = await api.StopSessionAsync(hostile.SessionId);
        Assert.True(stopped.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData(false, "\"\\xff\" x 200_000")]
    [InlineData(false, "join('', map { chr rand 256 } 1 .. 200_000)")]
    [InlineData(false, "\"HTTP/1.1 200 OK\\r\\n\\r\\n\"")]
    [InlineData(true, "\"\\xff\" x 200_000")]
    public async Task A_guest_that_speaks_nonsense_costs_its_own_session_and_nobody_else(bool greets, string nonsense)
    {
        using var program = new ProgramWithOtherGuest();
        await using var server = await TestServer.StartAsync(program: program.Path);
        using var neighbour = await ShellClient.OpenAsync(server);
        await neighbour.QuietAsync();
        var greeting = greets ? Convert.ToHexString(new LinkHello(LinkHello.CurrentVersion).Write(new LinkWriter())) : "";
        program.ReplaceGuest($$"""
            #!/usr/bin/perl
            my ($fd) = "@ARGV" =~ /--listen-fd (\d+)/;
            open(my $listener, '+<&=', $fd) or die;
            $SIG{PIPE} = 'IGNORE';
            my @lanes;
            while (1) {
                my $lane;
                select(undef, undef, undef, 0.01), next unless accept($lane, $listener);
                syswrite $lane, pack('H*', '{{greeting}}') . {{nonsense}};
                push @lanes, $lane;
            }
            """);
        server.MayFail = true;
        var (hostile, answer) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = ShellClient.NewSessionId() });
        Assert.Equal(101, answer.Status);
        Assert.Equal(1011, (await hostile!.ReadCloseAsync()).CloseCode);
        Assert.Equal("InternalError", hostile.Statuses.Single().GetProperty("reason").GetString());
        Assert.Equal("", hostile.Output.ToString());
        hostile.Dispose();
        using var api = new ApiClient(server);
        using var command = await api.StartCommandAsync(ShellClient.NewSessionId(), "true");
        Assert.True(command.StatusCode == System.Net.HttpStatusCode.FailedDependency || (await ApiClient.ReadResultAsync(command)).Exception == "runtimeClientError");
        Assert.Equal("works\n", await neighbour.RunAsync("echo works"));
    }

    private static bool IsStopped(TestServer server)
    {
        var sandboxes = Leftovers.SandboxIds(server.DataDirectory).SelectMany(Leftovers.ProcessesOf).ToHashSet();
        return Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0])).Any(pid => IsStoppedChild(pid!, sandboxes));
    }

    // proc_pid_stat(5): behind the name in brackets come the state and the parent.
    private static bool IsStoppedChild(string pid, HashSet<int> parents)
    {
        try
        {
            var fields = File.ReadAllText($"/proc/{pid}/stat").Split(") ").Last().Split(' ');
            return fields[0] == "T" && parents.Contains(int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // It ended between the listing and the look.
            return false;
        }
    }
}
