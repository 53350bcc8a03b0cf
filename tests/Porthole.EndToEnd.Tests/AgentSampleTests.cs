using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>
/// The agents of samples/, each in a session of its own image, with a scripted model beside it. Run by tests/samples/run, which builds the images
/// into the directory that PORTHOLE_SAMPLES names.
/// </summary>
public sealed class AgentSampleTests(AgentSampleTests.Samples samples) : IClassFixture<AgentSampleTests.Samples>
{
    // What the scripted model (tests/samples/model.mjs) has them do and say.
    private const string LastWords = "The file is written and the command has run.", Written = "written by the agent\n", Shouted = "WRITTEN BY THE AGENT";
    private const string Model = "http://127.0.0.1:8123";
    private const string CodexModel = $$"""-c model=scripted -c model_provider=scripted -c 'model_providers.scripted={name="scripted",base_url="{{Model}}/v1",wire_api="responses"}'""";

    // The agents are hundreds of megabytes and start slowly from a cold disk.
    private const string Sandbox = """
        "sandbox": { "cpus": 2, "memoryBytes": 2147483648, "processes": 512, "diskBytes": 1073741824 }
        """;

    [Theory(Explicit = true)]
    [InlineData("claude-code", "claude -p --dangerously-skip-permissions 'greet me'")]
    [InlineData("codex", $"codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox {CodexModel} 'greet me'")]
    [InlineData("kiro", "kiro-cli chat --no-interactive --trust-all-tools 'greet me'")]
    public async Task An_agent_writes_a_file_and_runs_a_command_while_a_shell_of_its_session_watches(string sample, string command)
    {
        var session = await samples.NewSessionAsync(sample);
        using var watcher = await session.WatchAsync();

        var (exitCode, output, errors) = await session.ExecAsync($"cd /root/project && {command}");

        Assert.True(exitCode == 0, output + errors);
        Assert.Contains(LastWords, output);
        await watcher.ReadUntilAsync(Shouted);
        Assert.Equal(Written, (await session.ExecAsync("cat /root/project/greeting.txt")).Output);
    }

    [Theory(Explicit = true)]
    [InlineData("claude-code", "")]
    [InlineData("codex", $"printf '%s\\n' 'model = \"scripted\"' 'model_provider = \"scripted\"' '[model_providers.scripted]' 'name = \"scripted\"' 'base_url = \"{Model}/v1\"' 'wire_api = \"responses\"' >/root/.codex/config.toml")]
    [InlineData("kiro", "")]
    public async Task An_invocation_has_the_agent_do_the_same_and_streams_what_it_says(string sample, string configure)
    {
        var session = await samples.NewSessionAsync(sample);
        using var watcher = await session.WatchAsync();
        Assert.Equal(0, (await session.ExecAsync($"true; {configure}")).ExitCode);

        var (exitCode, output, errors) = await session.InvokeAsync("""{"prompt": "greet me"}""");

        Assert.True(exitCode == 0, output + errors);
        Assert.Contains($"data: \"{LastWords}\"", output);
        await watcher.ReadUntilAsync(Shouted);
    }

    [Fact(Explicit = true)]
    public async Task Claude_Code_asks_in_a_terminal_before_it_runs_a_command_and_takes_the_answer()
    {
        var session = await samples.NewSessionAsync("claude-code");
        using var watcher = await session.WatchAsync();
        using var terminal = await session.OpenShellAsync();
        await terminal.ResizeAsync(120, 40);

        await terminal.SendAsync("cd /root/project && claude --permission-mode acceptEdits 'greet me'\n");
        await terminal.ReadUntilAsync("proceed?");
        await terminal.SendAsync("\r");

        await watcher.ReadUntilAsync(Shouted);
    }

    [Fact(Explicit = true)]
    public async Task Claude_Code_that_skips_permissions_asks_nothing_in_a_terminal()
    {
        var session = await samples.NewSessionAsync("claude-code");
        using var watcher = await session.WatchAsync();
        using var terminal = await session.OpenShellAsync();
        await terminal.ResizeAsync(120, 40);

        await terminal.SendAsync("cd /root/project && claude --dangerously-skip-permissions 'greet me'\n");

        await watcher.ReadUntilAsync(Shouted);
    }

    [Fact(Explicit = true)]
    public async Task Codex_works_in_a_terminal()
    {
        var session = await samples.NewSessionAsync("codex");
        using var watcher = await session.WatchAsync();
        using var terminal = await session.OpenShellAsync();
        await terminal.ResizeAsync(120, 40);

        await terminal.SendAsync($"cd /root/project && codex --no-daemon --dangerously-bypass-approvals-and-sandbox {CodexModel} 'greet me'\n");

        await watcher.ReadUntilAsync(Shouted);
    }

    /// <summary>A server with a runtime of each sample, made when it is first asked for: an image of hundreds of megabytes is unpacked once.</summary>
    public sealed class Samples : IAsyncLifetime
    {
        private static readonly string? Images = Environment.GetEnvironmentVariable("PORTHOLE_SAMPLES");

        private readonly Dictionary<string, string> _runtimes = [];
        private TestServer? _server;

        public async ValueTask InitializeAsync()
        {
            if (Images is not null)
                _server = await TestServer.StartAsync($"{Sandbox}, \"allowedPaths\": [\"{Images}\"]");
        }

        internal async Task<SampleSession> NewSessionAsync(string sample)
        {
            if (_server is null)
                throw new InvalidOperationException("Run tests/samples/run, which builds the images.");
            if (!_runtimes.TryGetValue(sample, out var arn))
            {
                var created = await _server.RunAsync(
                    "runtime", "create", sample.Replace('-', '_'), "--json", "--image", $"oci:{Images}/{sample}:latest",
                    "--env", $"ANTHROPIC_BASE_URL={Model}", "--env", "ANTHROPIC_API_KEY=sk-ant-scripted", "--env", "KIRO_API_KEY=scripted");
                Assert.True(created.ExitCode == 0, created.Errors);
                arn = _runtimes[sample] = JsonElement.Parse(created.Output).GetProperty("agentRuntimeArn").GetString()!;
            }

            return new SampleSession(_server, arn);
        }

        public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? default;
    }

    /// <summary>A session of a sample's image, in which the scripted model answers.</summary>
    internal sealed class SampleSession(TestServer server, string arn)
    {
        private readonly string _id = ShellClient.NewSessionId();

        public Task<ShellClient> OpenShellAsync() =>
            ShellClient.OpenAsync(new Upgrade { Server = server, Runtime = Uri.EscapeDataString(arn), SessionHeader = _id });

        /// <summary>Opens the shell that starts the model and watches for what the agent's command leaves.</summary>
        public async Task<ShellClient> WatchAsync()
        {
            var shell = await OpenShellAsync();
            await shell.QuietAsync();
            await shell.SendAsync("node /opt/model/model.mjs 8123 &\n");
            await shell.ReadUntilAsync("ready\n");
            await shell.SendAsync("until [ -s /root/project/shouted.txt ]; do sleep 0.1; done; cat /root/project/shouted.txt\n");
            return shell;
        }

        public Task<(int ExitCode, string Output, string Errors)> ExecAsync(string command) =>
            PortholeProgram.RunAsync(null, "exec", "--data-dir", server.DataDirectory, "--runtime", arn, "--session-id", _id, "--", "bash", "-c", command);

        public Task<(int ExitCode, string Output, string Errors)> InvokeAsync(string payload) =>
            server.RunAsync("invoke", "--runtime", arn, "--session-id", _id, "--payload", payload);
    }
}
