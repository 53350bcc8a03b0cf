using Porthole.EndToEnd.Tests.Harness;
using Porthole.Posix;

namespace Porthole.EndToEnd.Tests;

/// <summary>What an operator meets when a server cannot start, and on its first and last minute.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("porthole-e2e-").FullName;

    private string DataDirectory => Path.Combine(_root, "data");

    [Fact]
    public async Task A_data_directory_that_another_server_uses_is_refused_with_its_process_id()
    {
        await using var server = await TestServer.StartAsync();
        await ServeRefusedAsync($"in use by another server (pid {server.ProcessId})", "--data-dir", server.DataDirectory);
        using var client = await ShellClient.OpenAsync(server);
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task A_data_directory_whose_server_was_killed_is_free()
    {
        await using var server = await TestServer.StartAsync();
        await server.KillAsync();
        await server.StartAgainAsync();
    }

    [Fact]
    public async Task A_port_that_is_in_use_is_refused_by_its_name()
    {
        await using var server = await TestServer.StartAsync();
        await ServeRefusedAsync($"{server.Port}", "--data-dir", DataDirectory, "--listen", server.Url.ToString().TrimEnd('/'));
    }

    [Fact]
    public async Task A_host_without_bubblewrap_is_told_what_to_install()
    {
        using var host = HostWithout("bwrap");
        await RefusedAsync("install the package bubblewrap", host.Command("serve", "--data-dir", DataDirectory, "--listen", "http://127.0.0.1:0"));
    }

    [Theory]
    [InlineData("bwrap", "install the package bubblewrap")]
    [InlineData("slirp4netns", "install the package slirp4netns")]
    [InlineData("mkfs.ext4", "install the package e2fsprogs")]
    public async Task The_doctor_names_what_a_host_lacks_and_the_package_it_comes_in(string tool, string advice)
    {
        using var host = HostWithout(tool);
        var (exitCode, output, _) = await PortholeProgram.RunProgramAsync(null, host.Command("doctor", "--data-dir", DataDirectory));
        Assert.Contains(tool, output, StringComparison.Ordinal);
        Assert.Contains(advice, output, StringComparison.Ordinal);
        Assert.Equal(tool == "bwrap" ? 1 : 0, exitCode);
    }

    [Theory]
    [InlineData("""{ "shells": { "maxShell": 3 } }""", "maxShell")]
    [InlineData("""{ "port": 80 }""", "port")]
    [InlineData("""{ "shells": { "pingInterval": "often" } }""", "duration")]
    [InlineData("""{ "accountId": "12" }""", "accountId")]
    [InlineData("""{ "isolation": "jail" }""", "jail")]
    [InlineData("{ nonsense", "")]
    public async Task A_configuration_that_is_wrong_is_refused_by_its_name(string json, string message)
    {
        var path = Path.Combine(_root, "porthole.json");
        await File.WriteAllTextAsync(path, json, TestContext.Current.CancellationToken);
        await ServeRefusedAsync(message, "--data-dir", DataDirectory, "--config", path);
    }

    [Fact]
    public Task A_configuration_that_is_not_there_is_refused_by_its_name() =>
        ServeRefusedAsync(Path.Combine(_root, "missing.json"), "--data-dir", DataDirectory, "--config", Path.Combine(_root, "missing.json"));

    [Fact]
    public async Task A_data_directory_that_cannot_be_one_is_refused_by_its_name()
    {
        await File.WriteAllTextAsync(DataDirectory, "a file", TestContext.Current.CancellationToken);
        await ServeRefusedAsync(DataDirectory, "--data-dir", DataDirectory);
    }

    [Theory]
    [InlineData("http://127.0.0.1:99999")]
    [InlineData("ftp://127.0.0.1:1")]
    [InlineData("nonsense")]
    public Task An_address_that_is_none_is_refused(string url) => ServeRefusedAsync("", "--data-dir", DataDirectory, "--listen", url);

    [Fact]
    public async Task Secrets_are_for_the_owner_alone_and_in_no_log()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ShellClient.OpenAsync(new Upgrade { Server = server, By = Upgrade.Proof.Query });
        await client.QuietAsync();
        await client.RunAsync("echo something private");
        await client.CloseShellAsync();
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(server.DataDirectory) & others);
        foreach (var file in (string[])["credentials", "server.json", "porthole.db"])
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.Combine(server.DataDirectory, file)) & others);
        Assert.DoesNotContain(server.Credentials.SecretAccessKey, server.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Amz-Signature", server.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("something private", server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proof_that_is_refused_is_in_no_log_either()
    {
        await using var server = await TestServer.StartAsync();
        var good = new Upgrade { Server = server };
        const string token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwcml2YXRlIn0.";
        const string subprotocol = "base64UrlBearerAuthorization.ZXlKaGJHY2lPaUp1YjI1bEluMC4";
        foreach (var request in (Upgrade[])
        [
            good with { By = Upgrade.Proof.Query, Time = DateTimeOffset.UtcNow.AddMinutes(-6) },
            good with { Credentials = server.Credentials with { SecretAccessKey = "a-wrong-secret" } },
            good with { By = Upgrade.Proof.None, MoreHeaders = $"Authorization: Bearer {token}\r\n" },
            good with { By = Upgrade.Proof.None, MoreHeaders = $"Sec-WebSocket-Protocol: {subprotocol}, base64UrlBearerAuthorization\r\n" },
        ])
        {
            var (_, answer) = await ShellClient.TryOpenAsync(request);
            Assert.Equal(403, answer.Status);
            foreach (var secret in (string[])[server.Credentials.SecretAccessKey, "a-wrong-secret", token, subprotocol])
                Assert.DoesNotContain(secret, answer.Body, StringComparison.Ordinal);
        }

        await server.TerminateAsync();
        var written = server.Log.Text + string.Concat(Directory.EnumerateFiles(server.DataDirectory, "*.json*").Select(File.ReadAllText));
        foreach (var secret in (string[])[server.Credentials.SecretAccessKey, "a-wrong-secret", token, subprotocol, "X-Amz-Signature=", "Signature="])
            Assert.DoesNotContain(secret, written, StringComparison.Ordinal);
        await server.StartAgainAsync();
    }

    [Fact]
    public async Task The_secrets_of_the_server_cannot_be_read_from_a_session()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        var tries = $"cat {server.DataDirectory}/credentials /proc/1/environ /proc/1/root/etc/shadow /etc/shadow; env; ls {server.Root}";
        Assert.DoesNotContain(server.Credentials.SecretAccessKey, await client.RunAsync($"({tries}) 2>&1"), StringComparison.Ordinal);
        Assert.Equal("no\n", await client.RunAsync($"bash -c '</dev/tcp/127.0.0.1/{server.Port}' 2>/dev/null && echo yes || echo no"));
    }

    [Fact]
    public async Task Interrupt_ends_the_server_in_order_while_shells_are_open()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ShellClient.OpenAsync(server);
        _ = Libc.Kill(server.ProcessId, Libc.SIGINT);
        var close = await client.ReadCloseAsync();
        Assert.Equal(1001, close.CloseCode);
        await client.Socket.SendRawAsync(RawSocket.CloseFrame(1001));
        await Patience.UntilAsync("the server to end", () => !Directory.Exists($"/proc/{server.ProcessId}"));
        await server.StartAgainAsync();
        using var again = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.True(again.Reconnected);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static HostWithoutTool HostWithout(string tool)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can take a program out of its own view of the host");
        return new HostWithoutTool(tool);
    }

    private static Task ServeRefusedAsync(string message, params string[] arguments) =>
        RefusedAsync(message, [PortholeProgram.Path, "serve", .. arguments, .. arguments.Contains("--listen") ? (string[])[] : ["--listen", "http://127.0.0.1:0"]]);

    private static async Task RefusedAsync(string message, IReadOnlyList<string> command)
    {
        var (exitCode, output, errors) = await PortholeProgram.RunProgramAsync(null, command);
        Assert.Equal(1, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", errors, StringComparison.Ordinal);
        Assert.Equal("", output);
    }
}
