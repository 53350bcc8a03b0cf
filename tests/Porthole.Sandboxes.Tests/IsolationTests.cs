namespace Porthole.Sandboxes.Tests;

/// <summary>What one session sees of the host and of another session: nothing.</summary>
public sealed class IsolationTests : IAsyncLifetime
{
    private TestDriver _driver = null!;
    private Sandbox _mine = null!;
    private Sandbox _other = null!;

    public async ValueTask InitializeAsync()
    {
        _driver = await TestDriver.CreateAsync();
        _mine = await _driver.StartAsync();
        _other = await _driver.StartAsync();
    }

    public ValueTask DisposeAsync() => _driver.DisposeAsync();

    [Fact]
    public async Task Files_of_one_session_are_not_in_another()
    {
        foreach (var directory in (string[])["/", "/root", "/tmp", "/var/tmp", "/home", "/dev/shm", "/run", "/etc", "/opt"])
        {
            await _other.OutputAsync($"echo secret > {directory}/theirs");
            Assert.Equal("gone", await _mine.OutputAsync($"cat {directory}/theirs 2>/dev/null || echo gone"));
        }
    }

    [Fact]
    public async Task Processes_of_others_cannot_be_seen_or_signalled()
    {
        await _other.OutputAsync("sleep 12345 >/dev/null 2>&1 &");
        var seen = await _mine.OutputAsync("cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
        Assert.DoesNotContain("12345", seen);
        Assert.True(int.Parse(await _mine.OutputAsync("ls -d /proc/[0-9]* | wc -l")) < 12, seen);
        Assert.NotEqual(0, (await _mine.RunAsync($"kill -0 {_other.InnerPid}")).Status);
        Assert.NotEqual(0, (await _mine.RunAsync($"kill -0 {Environment.ProcessId}")).Status);
    }

    [Fact]
    public async Task Loopback_ports_are_each_sessions_own()
    {
        const string listen = "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => \"127.0.0.1:7777\") or die $!; print \"listening\\n\"; close STDOUT; close STDERR; sleep 1000' & read -r word < /dev/null; wait_for() { perl -e 'exit !grep { /:1E61 / } `cat /proc/net/tcp`'; }; until wait_for; do :; done";
        await _other.OutputAsync($"({listen}) >/dev/null 2>&1");
        const string connect = "perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(PeerAddr => \"127.0.0.1:7777\") ? \"connected\" : \"refused\"'";
        Assert.Equal("connected", await _other.OutputAsync(connect));
        Assert.Equal("refused", await _mine.OutputAsync(connect));
    }

    [Fact]
    public async Task Unix_sockets_are_each_sessions_own_also_abstract_ones()
    {
        const string listen = "perl -MSocket -e 'socket($s, AF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un(\"\\0porthole-test\")) or die $!; listen($s, 1); if (fork) { exit 0 } close STDOUT; close STDERR; sleep 1000'";
        const string connect = "perl -MSocket -e 'socket($s, AF_UNIX, SOCK_STREAM, 0); print connect($s, pack_sockaddr_un(\"\\0porthole-test\")) ? \"connected\" : \"refused\"'";
        await _other.OutputAsync(listen);
        Assert.Equal("connected", await _other.OutputAsync(connect));
        Assert.Equal("refused", await _mine.OutputAsync(connect));
    }

    [Fact]
    public async Task Nothing_of_the_host_is_there_but_its_programs()
    {
        Assert.Equal("none", await _mine.OutputAsync("cat /etc/shadow /etc/gshadow 2>/dev/null || echo none"));
        Assert.Equal("root nobody", await _mine.OutputAsync("cut -d: -f1 /etc/passwd | tr '\\n' ' ' | sed 's/ $//'"));
        Assert.Equal(".bashrc .profile", await _mine.OutputAsync("ls -A /root | tr '\\n' ' ' | sed 's/ $//'"));
        Assert.Equal("0", await _mine.OutputAsync("find / -xdev -type s 2>/dev/null | wc -l"));
        Assert.Equal("none", await _mine.OutputAsync($"ls {_driver.Root} 2>/dev/null || echo none"));
        Assert.Equal("none", await _mine.OutputAsync("ls /dev/sd* /dev/vd* /dev/loop* /dev/mem /dev/kmsg /dev/kvm 2>/dev/null || echo none"));
        Assert.DoesNotContain(_driver.Root, await _mine.OutputAsync("cat /proc/self/mounts /proc/1/cmdline /proc/2/environ"));

        // For an ordinary user / is a directory of the host, and the kernel says which.
        if (Environment.IsPrivilegedProcess)
            Assert.DoesNotContain(_driver.Root, await _mine.OutputAsync("cat /proc/self/mountinfo"));
        Assert.NotEqual(Environment.MachineName, await _mine.OutputAsync("hostname"));
    }

    [Fact]
    public async Task The_hosts_programs_cannot_be_changed()
    {
        foreach (var path in (string[])["/usr/bin/new", "/bin/new", "/lib/new", "/etc/alternatives/new", "/dev/new", "/proc/sys/kernel/hostname"])
            Assert.True((await _mine.RunAsync($"echo x > {path}")).Status != 0, path);
        Assert.NotEqual(0, (await _mine.RunAsync("chmod 777 /usr/bin/env")).Status);
    }

    [Fact]
    public async Task The_link_cannot_be_reached_from_inside()
    {
        Assert.Equal("0", await _mine.OutputAsync("find / -name link.sock 2>/dev/null | wc -l"));
        Assert.Equal("0", await _mine.OutputAsync("grep -c link.sock /proc/net/unix; true"));
    }

    [Fact]
    public async Task Only_the_guests_socket_leads_out()
    {
        // 0 /dev/null, 1 and 2 the log that cannot grow, 3 the socket: nothing else of the host is open in the guest.
        Assert.Equal("0 1 2 3", await _mine.OutputAsync("ls /proc/2/fd | tr '\\n' ' ' | sed 's/ $//'"));
        Assert.NotEqual(0, (await _mine.RunAsync("head -c 100000 /dev/zero >> /proc/2/fd/1")).Status);
    }
}
