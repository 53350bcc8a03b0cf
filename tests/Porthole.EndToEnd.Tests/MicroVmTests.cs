using System.Globalization;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>One server whose sessions are microVMs.</summary>
public sealed class MicroVmServer : IAsyncLifetime
{
    private TestServer? _server;

    internal TestServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync($"{MicroVms.Settings}, \"warmMicroVms\": 0");

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}

/// <summary>What is true of microVMs alone. That they do what all sessions do is tested by the other tests: <c>make test-microvm</c>.</summary>
public sealed class MicroVmTests(MicroVmServer shared) : IClassFixture<MicroVmServer>
{
    [Fact]
    public async Task A_session_has_a_kernel_of_its_own_and_sees_nothing_of_the_host()
    {
        using var api = new ApiClient(shared.Server);
        var session = ShellClient.NewSessionId();
        var seen = await api.RunCommandAsync(session, $"uname -r; cat /proc/sys/kernel/random/boot_id; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; ls {shared.Server.Root} {MicroVms.Directory} /home /root");
        Assert.DoesNotContain(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), seen.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), seen.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("serve", seen.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("qemu", seen.Stdout, StringComparison.Ordinal);
        Assert.Contains("cloud-amd64", seen.Stdout, StringComparison.Ordinal);
        Assert.Equal(2, seen.Stderr.Split("cannot access").Length - 1);
        var listed = (await api.ListSessionsAsync()).EnumerateArray().Single(entry => entry.GetProperty("sessionId").GetString() == session);
        Assert.Equal("microvm", listed.GetProperty("isolation").GetString());
        var accelerator = listed.GetProperty("accelerator").GetString();
        Assert.True(accelerator is "kvm" or "tcg", accelerator);
        Assert.Contains($"microvm ({accelerator})", (await shared.Server.RunAsync("session", "list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_copies_of_a_template_share_no_random_number_no_id_and_no_clock_of_the_past()
    {
        using var api = new ApiClient(shared.Server);
        const string draw = "date +%s%N; head -c 32 /dev/urandom | base64 -w0; echo; cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id /etc/machine-id; echo $RANDOM$RANDOM$RANDOM; cat /sys/class/net/eth0/address";
        string[][] drawn = [await DrawAsync(), await DrawAsync()];
        for (var line = 0; line < drawn[0].Length; line++)
            Assert.NotEqual(drawn[0][line], drawn[1][line]);

        async Task<string[]> DrawAsync()
        {
            // A machine's clock is set while it starts; it must not lag by the age of its template, nor run away.
            var session = ShellClient.NewSessionId();
            await api.RunCommandAsync(session, "true");
            var before = DateTimeOffset.UtcNow;
            var lines = (await api.RunCommandAsync(session, draw)).Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var inside = DateTimeOffset.UnixEpoch.AddTicks(long.Parse(lines[0], CultureInfo.InvariantCulture) / 100);
            Assert.InRange(inside, before - TimeSpan.FromSeconds(1), DateTimeOffset.UtcNow + TimeSpan.FromSeconds(1));
            return lines;
        }
    }

    [Fact]
    public async Task Shells_of_one_machine_share_its_port_and_survive_a_server_that_is_killed()
    {
        await using var server = await TestServer.StartAsync($"{MicroVms.Settings}, \"warmMicroVms\": 0");
        var session = ShellClient.NewSessionId();
        var first = await ShellClient.OpenAsync(server, session, "first");
        var second = await ShellClient.OpenAsync(server, session, "second");
        await first.QuietAsync();
        await second.QuietAsync();
        Assert.Contains("one", await first.RunAsync("here=one; echo $here"), StringComparison.Ordinal);
        await second.SendAsync("here=two; for i in $(seq 1 2000); do echo line $i; done; echo fin''ished\n");
        await server.KillAsync();
        first.Dispose();
        second.Dispose();
        await server.StartAgainAsync();
        first = await ShellClient.OpenAsync(server, session, "first");
        second = await ShellClient.OpenAsync(server, session, "second");
        Assert.True(first.Reconnected && second.Reconnected);
        Assert.Contains("one", await first.RunAsync("echo $here"), StringComparison.Ordinal);
        Assert.Contains("two", await second.RunAsync("echo $here"), StringComparison.Ordinal);
        using var api = new ApiClient(server);
        Assert.Equal(7, (await api.RunCommandAsync(session, "exit 7")).ExitCode);
        first.Dispose();
        second.Dispose();
    }

    [Fact]
    public async Task A_machine_that_waits_is_taken_for_the_next_session_and_none_is_left_when_the_server_ends()
    {
        await using var server = await TestServer.StartAsync($"{MicroVms.Settings}, \"warmMicroVms\": 1");
        using var api = new ApiClient(server);
        var machines = Path.Combine(server.DataDirectory, "cache", "machines");
        Assert.Equal(0, (await api.RunCommandAsync(ShellClient.NewSessionId(), "true")).ExitCode);
        await Patience.UntilAsync("a machine to wait", () => Directory.EnumerateDirectories(machines, "warm-*").Any(directory => File.ReadAllText(Path.Combine(directory, "state.json")).Contains("\"inner\": {", StringComparison.Ordinal)));
        Assert.Equal("new\n", (await api.RunCommandAsync(ShellClient.NewSessionId(), "ls /tmp; ls /root/.bash_history 2>/dev/null; echo new")).Stdout);
        var ids = Leftovers.SandboxIds(server.DataDirectory);
        using var answer = await api.PostAsync("/porthole/v1/shutdown", "");
        Assert.Equal(0, await server.ExitAsync());
        await Patience.UntilAsync("the machines to be gone", () => !ids.SelectMany(Leftovers.ProcessesOf).Any());
    }

    [Fact]
    public async Task A_machine_whose_kernel_panics_ends_its_session_and_no_other()
    {
        using var api = new ApiClient(shared.Server);
        var (victim, other) = (ShellClient.NewSessionId(), ShellClient.NewSessionId());
        using var shell = await ShellClient.OpenAsync(shared.Server, victim);
        Assert.Equal(0, (await api.RunCommandAsync(other, "touch /tmp/here")).ExitCode);
        var before = Leftovers.SandboxIds(shared.Server.DataDirectory).ToHashSet();
        await shell.SendAsync("echo c > /proc/sysrq-trigger\n");
        await Patience.UntilAsync("the machine to be gone", () => Leftovers.SandboxIds(shared.Server.DataDirectory).Count < before.Count);
        Assert.Equal("0", (await api.RunCommandAsync(other, "[ -e /tmp/here ]; echo -n $?")).Stdout);
        Assert.Equal("1", (await api.RunCommandAsync(victim, "[ -e /tmp/here ]; echo -n $?")).Stdout);
    }
}
