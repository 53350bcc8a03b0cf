using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>The agent and the shells of an image: what of its configuration holds for them. Images are made by tests/images/build.</summary>
public sealed class ImageAgentTests(ImageAgentTests.Images images) : IClassFixture<ImageAgentTests.Images>
{
    // Who root is when the server is an ordinary user, too: then there is nobody else.
    private const string Root = "0/0/0";

    [Theory]
    [InlineData("debian", "latest", Root, "/root")]
    [InlineData("debian", "agent", "4001/4001/4001,4002", "/home/agent")]
    [InlineData("alpine", "4001", "4001/4001/4001,4002", "/home/agent")]
    [InlineData("alpine", "agent-tools", "4001/4002/4002", "/home/agent")]
    [InlineData("alpine", "1234", "1234/0/0", "/")]
    public async Task An_agent_runs_as_its_image_says_but_for_what_the_runtime_replaces(string kind, string tag, string expected, string home)
    {
        var arn = await images.DeployAsync(kind, tag, "--env", "REPLACED=runtime");
        using var agent = new AgentClient(images.Server, arn);
        var seen = JsonElement.Parse(await agent.AskAsync("", "hello"));
        Assert.Equal("hello", seen.GetProperty("asked").GetString());
        Assert.Equal(Environment.IsPrivilegedProcess ? expected : Root,
            $"{seen.GetProperty("user")}/{seen.GetProperty("group")}/{string.Join(',', seen.GetProperty("groups").EnumerateArray().Select(static group => group.GetInt32()).Order())}");
        Assert.Equal(["of the entrypoint", "of the command"], seen.GetProperty("arguments").EnumerateArray().Select(static word => word.GetString()));
        Assert.Equal("/srv/work", seen.GetProperty("directory").GetString());
        var environment = seen.GetProperty("environment");
        Assert.Equal(("two words", "runtime", "/opt/agent/bin:/usr/local/bin:/usr/bin:/bin", home), (Word("FROM_IMAGE"), Word("REPLACED"), Word("PATH"), Word("HOME")));
        if (kind == "alpine")
            Assert.Equal("by musl", seen.GetProperty("libc").GetString());

        string? Word(string name) => environment.GetProperty(name).GetString();
    }

    [Fact]
    public async Task An_agent_of_an_image_is_asked_and_its_log_read_from_the_command_line()
    {
        var arn = await images.DeployAsync("debian", "agent");
        string[] inSession = ["--runtime", arn, "--session-id", ShellClient.NewSessionId()];
        var answer = await images.Server.RunAsync(["invoke", .. inSession, "--payload", "from the command line"]);
        Assert.True(answer.ExitCode == 0, answer.Errors);
        Assert.Equal("from the command line", JsonElement.Parse(answer.Output).GetProperty("asked").GetString());
        var log = await images.Server.RunAsync(["logs", .. inSession]);
        Assert.Equal((0, "asked: from the command line\n"), (log.ExitCode, log.Output));
    }

    [Fact]
    public async Task The_websocket_of_an_images_agent_is_reached()
    {
        var arn = await images.DeployAsync("debian", "agent");
        using var socket = await RawSocket.ConnectAsync(images.Server);
        var request = new Upgrade { Server = images.Server, Runtime = Uri.EscapeDataString(arn), Operation = "ws", SessionHeader = ShellClient.NewSessionId() };
        await socket.SendRawAsync(request.Head());
        var answer = await socket.ReadAnswerAsync();
        Assert.True(answer.Status == 101, answer.ToString());
        await socket.SendFrameAsync(RawFrame.Text, "there and back"u8);
        Assert.Equal("there and back"u8.ToArray(), (await socket.ReadFrameAsync())!.Payload);
    }

    [Theory]
    [InlineData("debian", "agent", "", "4001/4001 /home/agent agent")]
    [InlineData("debian", "latest", "", "0/0 /root root")]
    [InlineData("debian", "agent", "root", "0/0 /root root")]
    [InlineData("alpine", "agent-tools", "", "4001/4002 /home/agent agent")]
    public async Task A_shell_is_a_login_of_the_images_user_and_keeps_the_images_environment(string kind, string tag, string shellUser, string expected)
    {
        var arn = await images.DeployAsync(kind, tag, shellUser.Length > 0 ? ["--env", $"PORTHOLE_SHELL_USER={shellUser}"] : []);
        using var shell = await ShellClient.OpenAsync(new Upgrade { Server = images.Server, Runtime = Uri.EscapeDataString(arn), SessionHeader = ShellClient.NewSessionId() });
        await shell.SendAsync("stty -echo -opost; PS1=; echo re''ady\n");
        await shell.ReadUntilAsync("ready\n");
        if (Environment.IsPrivilegedProcess)
            Assert.EndsWith(expected + "\n", await shell.RunAsync("echo $(id -u)/$(id -g) $HOME $USER"));
        Assert.EndsWith("/srv/work two words profile found by PATH\n", await shell.RunAsync("echo $PWD $FROM_IMAGE $FROM_PROFILE $(mine)"));
        Assert.EndsWith("by name\n", await shell.RunAsync("echo by name >/dev/tty; [ -w $(readlink /proc/self/fd/0) ] || echo not mine"));
    }

    [Fact]
    public async Task Commands_are_root_whatever_the_images_user_is()
    {
        using var api = new ApiClient(images.Server, runtimeArn: await images.DeployAsync("alpine", "agent-tools"));
        Assert.Equal("0 /root /srv/work two words\n", (await api.RunCommandAsync(ShellClient.NewSessionId(), "echo $(id -u) $HOME $PWD $FROM_IMAGE")).Stdout);
    }

    [Fact]
    public async Task A_line_in_the_place_of_an_images_program_does_without_bash()
    {
        var arn = await images.DeployAsync("alpine", "agent-tools", "--env", "PORTHOLE_AGENT_COMMAND=exec /opt/agent/agent \"$FROM_IMAGE\"");
        using var agent = new AgentClient(images.Server, arn);
        var seen = JsonElement.Parse(await agent.AskAsync("", "hello"));
        Assert.Equal("two words", Assert.Single(seen.GetProperty("arguments").EnumerateArray()).GetString());
    }

    /// <summary>The images, and a server to run them.</summary>
    public sealed class Images : IAsyncLifetime
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("porthole-e2e-images-").FullName;

        internal TestServer Server { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            var script = Path.Combine(PortholeProgram.RepositoryDirectory, "tests", "images", "build");
            foreach (var command in (string[][])[["debian", "agent"], ["alpine", "agent:tools", "4001", "1234"]])
            {
                var built = await PortholeProgram.RunProgramAsync(null, [script, command[0], Path.Combine(_directory, command[0]), .. command[1..]]);
                Assert.True(built.ExitCode == 0, built.Errors);
            }

            Server = await TestServer.StartAsync($"""
                "egress": false, "allowedPaths": ["{_directory}"]
                """);
        }

        /// <summary>Makes a runtime of an image and gives its ARN.</summary>
        internal async Task<string> DeployAsync(string kind, string tag, params IEnumerable<string> settings)
        {
            var name = "image" + Guid.NewGuid().ToString("N")[..10];
            var created = await Server.RunAsync(["runtime", "create", name, "--json", "--image", $"oci:{_directory}/{kind}:{tag}", .. settings]);
            Assert.True(created.ExitCode == 0, created.Errors);
            return JsonElement.Parse(created.Output).GetProperty("agentRuntimeArn").GetString()!;
        }

        public async ValueTask DisposeAsync()
        {
            if (Server is not null)
                await Server.DisposeAsync();
            Directory.Delete(_directory, recursive: true);
        }
    }
}
