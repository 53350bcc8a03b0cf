using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>scripts/run behind <c>make run</c>, without a terminal.</summary>
public sealed class RunScriptTests : IAsyncLifetime
{
    private readonly string _data = Path.Combine(Path.GetTempPath(), $"porthole-run-{Guid.NewGuid():N}");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_first_run_starts_a_server_and_the_second_one_uses_it()
    {
        var first = await RunAsync("http://127.0.0.1:0");
        var pid = await ServerPidAsync();
        var second = await RunAsync("http://127.0.0.1:0");

        Assert.True(first.ExitCode == 0, first.Errors);
        Assert.Matches(@"server on http://127\.0\.0\.1:\d+:\n.*root on sandbox", first.Output);
        Assert.True(second.ExitCode == 0, second.Errors);
        Assert.Equal(first.Output.Split('\n')[0], second.Output.Split('\n')[0]);
        Assert.Contains($"runs already (pid {pid})", second.Errors);
        Assert.Empty(Directory.EnumerateDirectories(Path.Combine(_data, "sessions")));
    }

    [Fact]
    public async Task A_server_that_cannot_start_is_shown_with_its_log()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();

        var run = await RunAsync($"http://{taken.LocalEndPoint}");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("The server ended at once", run.Errors);
        Assert.Contains("in use", run.Errors);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public async Task Nothing_that_the_server_starts_is_told_to_ignore_an_interrupt()
    {
        Assert.Equal(0, (await RunAsync("http://127.0.0.1:0")).ExitCode);

        var status = await File.ReadAllLinesAsync($"/proc/{await ServerPidAsync()}/status", TestContext.Current.CancellationToken);

        // Bits 1 and 2: SIGINT and SIGQUIT.
        Assert.Equal(0UL, Convert.ToUInt64(status.Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim(), 16) & 0b110);
    }

    public async ValueTask DisposeAsync()
    {
        if (!Directory.Exists(_data))
            return;
        var sandboxes = Leftovers.SandboxIds(_data);
        if (File.Exists(Path.Combine(_data, "porthole.db")))
            Assert.Equal(0, (await PortholeProgram.RunAsync(null, "stop", "--all", "--data-dir", _data)).ExitCode);
        Assert.Empty(Leftovers.Of(_data, sandboxes));
        Directory.Delete(_data, recursive: true);
    }

    private async Task<int> ServerPidAsync()
    {
        using var info = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_data, "server.json"), TestContext.Current.CancellationToken));
        return info.RootElement.GetProperty("processId").GetInt32();
    }

    private async Task<(int ExitCode, string Output, string Errors)> RunAsync(string listen)
    {
        var start = new ProcessStartInfo(Path.Combine(PortholeProgram.RepositoryDirectory, "scripts/run"))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PORTHOLE_DATA_DIR"] = _data, ["PORTHOLE_LISTEN"] = listen, ["PORTHOLE_OUT"] = Path.GetDirectoryName(PortholeProgram.Path) },
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var deadline = Patience.Deadline();
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var errors = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output, await errors);
    }
}
