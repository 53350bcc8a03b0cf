namespace Porthole.Sandboxes.Tests.Images;

/// <summary>What a session of an image sees: the image's files, its own changes, and nothing of others or of the host.</summary>
public sealed class ImageSandboxTests
{
    [Fact]
    public async Task A_session_sees_the_images_files_under_their_owners_and_is_root_there()
    {
        await using var session = await ImageSession.CreateAsync();
        var sandbox = await session.StartAsync(TestImage.Busybox());
        Assert.Equal("0 0", await ImageSession.OutputAsync(sandbox, "echo $(id -u) $(id -g)"));
        Assert.Equal("0:0", await ImageSession.OutputAsync(sandbox, "stat -c %u:%g /bin/busybox"));
        if (Environment.IsPrivilegedProcess)
            Assert.Equal("1000:1000", await ImageSession.OutputAsync(sandbox, "stat -c %u:%g /home/agent"));
        Assert.Equal("", await ImageSession.OutputAsync(sandbox, "ls /usr"));
        Assert.DoesNotContain(session.Driver.Warnings, warning => warning.Contains("images", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Changes_are_the_sessions_own_and_the_image_stays_as_it_was()
    {
        await using var session = await ImageSession.CreateAsync();
        var image = await session.PrepareAsync(TestImage.Busybox());
        var first = await session.Driver.StartAsync(session.Driver.NewSpec() with { Image = image });
        var second = await session.Driver.StartAsync(session.Driver.NewSpec() with { Image = image });
        await ImageSession.OutputAsync(first, "echo changed > /etc/passwd && rm /bin/env && echo new > /new && mkdir /bin/more && rm -r /home/agent");
        Assert.Equal("changed", await ImageSession.OutputAsync(first, "cat /etc/passwd"));
        Assert.Equal("env ok", await ImageSession.OutputAsync(second, "head -n 1 /etc/passwd >/dev/null && [ -e /bin/env ] && [ ! -e /new ] && [ -d /home/agent ] && echo env ok"));
        Assert.StartsWith("root:x:0:0", await File.ReadAllTextAsync(Path.Combine(image.RootDirectory!, "etc/passwd"), TestContext.Current.CancellationToken));
        Assert.True(File.Exists(Path.Combine(image.RootDirectory!, "bin/env")));
    }

    [Fact]
    public async Task Programs_of_an_image_become_other_users()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        await using var session = await ImageSession.CreateAsync();
        var sandbox = await session.StartAsync(TestImage.Busybox("su", "chmod"));
        Assert.Equal("1000", await ImageSession.OutputAsync(sandbox, "su agent -c 'id -u'"));
        Assert.Equal("Permission denied", await ImageSession.OutputAsync(sandbox, "chmod 600 /etc/passwd; su agent -c 'cat /etc/passwd' 2>&1 | grep -o 'Permission denied'"));
        Assert.Equal("1000:1000", await ImageSession.OutputAsync(sandbox, "touch /x && chown agent:agent /x && stat -c %u:%g /x"));
        Assert.Equal("1000:1000", await ImageSession.OutputAsync(sandbox, "cd /home/agent && su agent -c 'touch own' && stat -c %u:%g own"));
    }

    [Theory]
    [InlineData("agent", "uid=1000(agent) gid=1000(agent) groups=1000(agent),2000(tools)")]
    [InlineData("1000", "uid=1000(agent) gid=1000(agent) groups=1000(agent),2000(tools)")]
    [InlineData("agent:tools", "uid=1000(agent) gid=2000(tools) groups=2000(tools)")]
    [InlineData("4321", "uid=4321 gid=0(root) groups=0(root)")]
    [InlineData("4321:8765", "uid=4321 gid=8765 groups=8765")]
    [InlineData("", "uid=0(root) gid=0(root)")]
    public async Task A_program_runs_as_the_user_of_the_image(string user, string expected)
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        await using var session = await ImageSession.CreateAsync();
        var image = TestImage.Busybox().Layer(tar => tar.File("etc/group", "root:x:0:\nagent:x:1000:\ntools:x:2000:other,agent\n"u8.ToArray()));
        var sandbox = await session.StartAsync(image);
        Assert.Equal((expected, 0), await ImageSession.RunAsync(sandbox, "porthole-guest", "run-as", user, "/bin/id"));
    }

    [Fact]
    public async Task A_program_of_a_session_that_has_no_users_but_root_is_root_and_says_so()
    {
        if (Environment.IsPrivilegedProcess)
            return;
        await using var session = await ImageSession.CreateAsync();
        var sandbox = await session.StartAsync(TestImage.Busybox());
        var (output, status) = await ImageSession.RunAsync(sandbox, "porthole-guest", "run-as", "agent", "/bin/id", "-u");
        Assert.Equal(0, status);
        Assert.Contains("running as root instead of agent", output);
        Assert.StartsWith("0\n", output);
    }

    [Fact]
    public async Task A_user_that_the_image_does_not_know_is_named()
    {
        await using var session = await ImageSession.CreateAsync();
        var sandbox = await session.StartAsync(TestImage.Busybox());
        var (output, status) = await ImageSession.RunAsync(sandbox, "porthole-guest", "run-as", "nobody-here", "/bin/id");
        Assert.Contains("run as nobody-here, which its /etc/passwd", output);
        Assert.Equal(125, status);
    }

    [Fact]
    public async Task Root_inside_is_nobody_outside_and_can_make_neither_mounts_nor_devices_nor_namespaces()
    {
        await using var session = await ImageSession.CreateAsync();
        var sandbox = await session.StartAsync(TestImage.Busybox("mknod", "unshare", "ps", "chroot"));
        var (_, mounted) = await ImageSession.RunAsync(sandbox, "/bin/mount", "-t", "tmpfs", "x", "/tmp");
        var (_, made) = await ImageSession.RunAsync(sandbox, "/bin/mknod", "/x", "b", "8", "0");
        var (_, unshared) = await ImageSession.RunAsync(sandbox, "/bin/unshare", "-U", "/bin/sh", "-c", "true");
        Assert.DoesNotContain(0, (int[])[mounted, made, unshared]);
        var status = await File.ReadAllTextAsync($"/proc/{sandbox.InnerPid}/status", TestContext.Current.CancellationToken);
        Assert.DoesNotContain("\nUid:\t0\t", status);
        Assert.Contains("NoNewPrivs:\t1", status);
        if (!Environment.IsPrivilegedProcess)
            return;
        Assert.InRange(sandbox.UserId!.Value, 0x70010000u, 0x7FFFFFFFu);
    }

    [Fact]
    public async Task Nothing_inside_tells_where_the_host_keeps_its_files()
    {
        await using var session = await ImageSession.CreateAsync();
        var sandbox = await session.StartAsync(TestImage.Busybox());
        var seen = await ImageSession.OutputAsync(sandbox, "ls -l /proc/[0-9]*/fd; cat /proc/self/mountinfo; cat /proc/[0-9]*/cmdline");
        Assert.Contains("overlay", seen);
        Assert.DoesNotContain(session.Driver.Root, seen);
        Assert.DoesNotContain(session.Images.Root, seen);
    }

    [Fact]
    public async Task Setuid_programs_and_devices_of_an_image_have_no_power()
    {
        await using var session = await ImageSession.CreateAsync();
        var image = TestImage.Busybox("su").Layer(tar =>
        {
            tar.Directory("setuid/");
            tar.File("setuid/busybox", File.ReadAllBytes("/bin/busybox"), (UnixFileMode)0x9ED);
            if (Environment.IsPrivilegedProcess)
                tar.Device("null-of-the-image", 1, 3);
        });
        var sandbox = await session.StartAsync(image);
        if (!Environment.IsPrivilegedProcess)
            return;
        Assert.Equal("1000", await ImageSession.OutputAsync(sandbox, "su agent -c '/setuid/busybox id -u'"));
        var (output, status) = await ImageSession.RunAsync(sandbox, "/bin/sh", "-c", "echo x > /null-of-the-image");
        Assert.True(status != 0 && output.Contains("Permission denied", StringComparison.Ordinal), output);
    }

    [Fact]
    public async Task Links_of_a_hostile_image_lead_nowhere_on_the_host()
    {
        await using var session = await ImageSession.CreateAsync();
        var trap = Directory.CreateDirectory(Path.Combine(session.Images.Root, "trap")).FullName;
        await File.WriteAllTextAsync(Path.Combine(trap, "hosts"), "untouched", TestContext.Current.CancellationToken);
        var image = new TestImage().Layer(tar =>
        {
            tar.Directory("bin/");
            tar.File("bin/busybox", File.ReadAllBytes("/bin/busybox"), TestImage.Executable);
            foreach (var name in (string[])["sh", "cat", "ls"])
                tar.Link($"bin/{name}", "busybox");
            tar.Link("etc", trap);
            tar.Link("run", trap);
            tar.Link("proc", trap);
            tar.Link("dev", "/oldroot" + trap);
            tar.Link("sys", "/");
        });
        var sandbox = await session.StartAsync(image);
        Assert.Contains("127.0.0.1 localhost", await ImageSession.OutputAsync(sandbox, "cat /etc/hosts"));
        Assert.Equal(["hosts"], Directory.EnumerateFileSystemEntries(trap).Select(Path.GetFileName));
        Assert.Equal("untouched", await File.ReadAllTextAsync(Path.Combine(trap, "hosts"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_session_has_names_a_resolver_and_its_limits()
    {
        await using var session = await ImageSession.CreateAsync();
        var sandbox = await session.StartAsync(TestImage.Busybox(), spec => spec with { HostName = "agent-1", Limits = spec.Limits with { DiskBytes = 32 << 20 } });
        Assert.Equal("agent-1", await ImageSession.OutputAsync(sandbox, "hostname"));
        Assert.Contains("127.0.1.1 agent-1", await ImageSession.OutputAsync(sandbox, "cat /etc/hosts"));
        Assert.NotEmpty(await ImageSession.OutputAsync(sandbox, "cat /etc/resolv.conf"));
        var (output, status) = await ImageSession.RunAsync(sandbox, "/bin/sh", "-c", "dd if=/dev/zero of=/big bs=1M count=64 2>&1");
        Assert.NotEqual(0, status);
        Assert.True(!Environment.IsPrivilegedProcess || output.Contains("No space left", StringComparison.Ordinal), output);
    }

    [Fact]
    public async Task An_image_of_another_c_library_works()
    {
        // musl's own loader and library, and a program that is linked to them: what Alpine is made of.
        var loader = Directory.EnumerateFiles("/lib", "ld-musl-*.so.1").SingleOrDefault();
        Assert.True(loader is not null && File.Exists("/usr/bin/musl-gcc"), "install the packages musl and musl-tools");
        await using var session = await ImageSession.CreateAsync();
        var program = Path.Combine(session.Images.Root, "hello");
        await File.WriteAllTextAsync(program + ".c", "#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf(\"musl %d\\n\", getuid()); return 7; }\n", TestContext.Current.CancellationToken);
        await TestRegistry.RunAsync("/usr/bin/musl-gcc", [program + ".c", "-o", program]);
        var library = await File.ReadAllBytesAsync(loader, TestContext.Current.CancellationToken);
        var compiled = await File.ReadAllBytesAsync(program, TestContext.Current.CancellationToken);
        var image = TestImage.Busybox().Layer(tar =>
        {
            tar.Directory("lib/");
            tar.File("lib/" + Path.GetFileName(loader), library, TestImage.Executable);
            tar.File("bin/hello", compiled, TestImage.Executable);
        });
        var sandbox = await session.StartAsync(image);
        Assert.Equal(("musl 0", 7), await ImageSession.RunAsync(sandbox, "/bin/hello"));
    }

    [Fact]
    public async Task The_next_server_takes_over_a_session_of_an_image_and_nothing_is_left_after_its_end()
    {
        await using var session = await ImageSession.CreateAsync();
        var spec = session.Driver.NewSpec() with { Image = await session.PrepareAsync(TestImage.Busybox()) };
        var sandbox = await session.Driver.StartAsync(spec);
        await ImageSession.OutputAsync(sandbox, "echo kept > /kept");
        session.Driver.Abandon();

        using var next = await SandboxDriver.CreateAsync(TestDriver.Options(session.Driver.Root) with { GuestPath = Porthole.Guest.Tests.GuestBinary.Path }, TestContext.Current.CancellationToken).InTime();
        var adopted = (await next.AdoptAsync(spec.Directory).InTime()).Sandbox!;
        Assert.Equal("kept", await ImageSession.OutputAsync(adopted, "cat /kept"));
        await adopted.KillAsync().InTime();
        Assert.False(Directory.Exists(spec.Directory));
        Assert.DoesNotContain(session.Driver.Root, await File.ReadAllTextAsync("/proc/mounts", TestContext.Current.CancellationToken));
        Assert.True(File.Exists(Path.Combine(spec.Image.RootDirectory!, "bin/busybox")));
    }
}
