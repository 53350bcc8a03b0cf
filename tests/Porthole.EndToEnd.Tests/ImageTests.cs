using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>A runtime of an image, from its files to a command in its session.</summary>
public sealed class ImageTests
{
    [Fact]
    public async Task A_runtime_of_an_image_runs_commands_among_the_images_files_in_its_environment()
    {
        await using var server = await TestServer.StartAsync();
        var archive = await BoxImage.ArchiveAsync(Path.Combine(server.DataDirectory, "inbox"));

        var created = await server.RunAsync("runtime", "create", "boxed", "--image", archive, "--env", "FROM_RUNTIME=runtime");
        Assert.True(created.ExitCode == 0, created.Errors);

        // How far it is can be seen, and waiting for it leaves no line for each moment.
        Assert.Contains("unpacking", created.Errors);
        var trail = await server.RunAsync("audit", "--json");
        Assert.InRange(trail.Output.Split('\n').Count(line => line.Contains("AgentRuntime\"", StringComparison.Ordinal)), 2, 3);
        var (code, output, errors) = await ExecAsync(
            server, "--runtime", "boxed", "--", "sh", "-c", "echo $PWD $FROM_IMAGE $FROM_RUNTIME $(id -u) $(cat /word) && ls /usr | wc -l");
        Assert.True(code == 0, errors);
        Assert.Equal("/home/agent image runtime 0 boxed\n0\n", output);

        // What is in use stays.
        Assert.Contains("Nothing to remove", (await server.RunAsync("image", "prune")).Errors);
        var image = Assert.Single(JsonElement.Parse((await server.RunAsync("image", "list", "--json")).Output).EnumerateArray());
        Assert.True(image.GetProperty("inUse").GetBoolean());
        Assert.Equal(archive, Assert.Single(image.GetProperty("references").EnumerateArray()).GetString());
    }

    [Theory]
    [InlineData("namespace")]
    [InlineData("microvm")]
    public async Task The_agent_of_an_image_is_the_images_user_and_commands_are_root_whatever_isolates_them(string isolation)
    {
        await using var server = await TestServer.StartAsync(MicroVms.SettingsFor(isolation));
        var archive = await BoxImage.ArchiveAsync(server.Root);
        var created = await server.RunAsync("runtime", "create", "boxed", "--image", archive, "--env", "FROM_RUNTIME=runtime");
        Assert.True(created.ExitCode == 0, created.Errors);
        Assert.Equal(isolation == "microvm", Directory.EnumerateFiles(Path.Combine(server.DataDirectory, "images"), "root.squashfs", SearchOption.AllDirectories).Any());
        var id = ShellClient.NewSessionId();
        var asked = await server.RunAsync("invoke", "--runtime", "boxed", "--session-id", id, "--payload", "hello").InTime();
        Assert.True(asked.ExitCode == 0, asked.Errors);
        Assert.Equal("hello from uid=1000(agent) gid=1000(agent) groups=1000(agent),2000(tools) in /home/agent with image and runtime", asked.Output);
        var (code, output, errors) = await ExecAsync(server, "--runtime", "boxed", "--session-id", id, "--", "sh", "-c", "id -u; cat /word started; ls -d /usr/*; echo more >> /word; cat /etc/hostname");
        Assert.True(code == 0, errors);
        Assert.Equal("0\nboxed\nagent\nboxed\n", output);
    }

    [Fact]
    public async Task An_image_that_cannot_be_had_says_why()
    {
        await using var server = await TestServer.StartAsync();
        var pull = await server.RunAsync("image", "pull", $"127.0.0.1:{TestServer.FreePort()}/nothing:1");
        Assert.Equal(1, pull.ExitCode);
        Assert.Contains("cannot be reached", pull.Errors);

        var wrong = await server.RunAsync("image", "pull", "Not An Image");
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("oci-archive:/", wrong.Errors);

        var created = await server.RunAsync("runtime", "create", "broken", "--image", $"docker-archive:{server.DataDirectory}/inbox/nothing.tar");
        Assert.NotEqual(0, created.ExitCode);
        Assert.Contains("does not exist on the server's machine", created.Errors + created.Output);
    }

    [Fact]
    public async Task Files_of_the_server_are_no_images_unless_the_operator_allows_their_directory()
    {
        var allowed = Directory.CreateTempSubdirectory("porthole-e2e-allowed-").FullName;
        try
        {
            var archive = await BoxImage.ArchiveAsync(allowed);
            await using (var server = await TestServer.StartAsync())
            {
                var created = await server.RunAsync("runtime", "create", "reader", "--image", archive);
                Assert.Equal(1, created.ExitCode);
                Assert.Contains("agentRuntimeArtifact.containerConfiguration.containerUri cannot be used", created.Errors);
                Assert.Contains("--allow-path", created.Errors);
                Assert.Contains("--allow-path", (await server.RunAsync("image", "pull", "docker-archive:/etc/shadow")).Errors);
                var code = await server.RunAsync("runtime", "create", "reader", "--code", "/etc/shadow", "--code-runtime", "NODE_22", "--entry-point", "main.js");
                Assert.Contains("agentRuntimeArtifact.codeConfiguration.code cannot be used", code.Errors);
            }

            await using var other = await TestServer.StartAsync($"""
                "allowedPaths": ["{allowed}"]
                """);
            Assert.Equal(0, (await other.RunAsync("image", "pull", archive)).ExitCode);
        }
        finally
        {
            Directory.Delete(allowed, recursive: true);
        }
    }

    [Fact]
    public async Task An_image_is_pulled_ahead_and_its_digest_printed()
    {
        await using var server = await TestServer.StartAsync();
        var archive = await BoxImage.ArchiveAsync(Path.Combine(server.DataDirectory, "inbox"));
        var (code, output, errors) = await server.RunAsync("image", "pull", archive);
        Assert.True(code == 0, errors);
        Assert.Matches("^sha256:[0-9a-f]{64}\n$", output);
        Assert.Contains("unpacking", errors);
        Assert.Contains(output.Trim(), (await server.RunAsync("image", "list")).Output);
    }

    [Fact]
    public async Task What_a_session_stores_is_there_when_its_id_comes_back()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.RunAsync("runtime", "create", "keeper", "--image", "host", "--storage", "/mnt/data");
        Assert.True(created.ExitCode == 0, created.Errors);
        var id = ShellClient.NewSessionId();
        var first = await ExecAsync(server, "--runtime", "keeper", "--session-id", id, "--", "sh", "-c", "echo kept > /mnt/data/file; echo lost > /root/file");
        Assert.True(first.ExitCode == 0, first.Errors);
        Assert.Equal(0, (await server.RunAsync("session", "stop", "--all")).ExitCode);

        var second = await ExecAsync(server, "--runtime", "keeper", "--session-id", id, "--", "sh", "-c", "cat /mnt/data/file; cat /root/file 2>/dev/null || echo gone");
        Assert.Equal("kept\ngone\n", second.Output);
        var other = await ExecAsync(server, "--runtime", "keeper", "--session-id", ShellClient.NewSessionId(), "--", "ls", "/mnt/data");
        Assert.Equal("", other.Output);

        // One session's goes at once when somebody says so, but not from under it.
        string[] forget = ["session", "forget", id, "--runtime", "keeper"];
        Assert.Contains("stop it first", (await server.RunAsync(forget)).Errors);
        Assert.Equal(0, (await server.RunAsync("session", "stop", id, "--runtime", "keeper")).ExitCode);
        var forgotten = await server.RunAsync(forget);
        Assert.True(forgotten.ExitCode == 0, forgotten.Errors);
        Assert.Contains("has stored nothing", (await server.RunAsync(forget)).Errors);
        var third = await ExecAsync(server, "--runtime", "keeper", "--session-id", id, "--", "ls", "/mnt/data");
        Assert.Equal((0, ""), (third.ExitCode, third.Output));

        // With its runtime all of it goes.
        Assert.NotEmpty(Directory.EnumerateFileSystemEntries(Path.Combine(server.DataDirectory, "storage")));
        Assert.Equal(0, (await server.RunAsync("runtime", "delete", "keeper")).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(server.DataDirectory, "storage")));
    }

    [Fact]
    public async Task What_a_session_stored_that_does_not_come_back_is_removed_after_its_time()
    {
        await using var server = await TestServer.StartAsync("""
            "storageRetention": 3600
            """);
        var created = await server.RunAsync("runtime", "create", "keeper", "--image", "host", "--storage", "/mnt/data");
        Assert.True(created.ExitCode == 0, created.Errors);
        await ExecAsync(server, "--runtime", "keeper", "--session-id", ShellClient.NewSessionId(), "--", "touch", "/mnt/data/file");
        await ExecAsync(server, "--runtime", "keeper", "--session-id", ShellClient.NewSessionId(), "--", "touch", "/mnt/data/file");
        Assert.Equal(0, (await server.RunAsync("session", "stop", "--all")).ExitCode);
        await server.TerminateAsync();
        var stored = Directory.EnumerateFileSystemEntries(Path.Combine(server.DataDirectory, "storage"), "*", SearchOption.AllDirectories).Where(IsStorage).ToList();
        Assert.Equal(2, stored.Count);
        File.SetLastWriteTimeUtc(stored[0], DateTime.UtcNow.AddHours(-2));

        await server.StartAgainAsync();
        await Patience.UntilAsync("the older storage to be removed", () => !Path.Exists(stored[0]));
        Assert.True(Path.Exists(stored[1]));

        // A disk of root's, or an ordinary user's directory.
        static bool IsStorage(string path) => path.EndsWith(".ext4", StringComparison.Ordinal) || (!Environment.IsPrivilegedProcess && Path.GetFileName(path).Contains('-') && path.EndsWith("-1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_stored_under_one_isolation_is_there_under_the_other_and_before_the_machine_is_off()
    {
        // Without root, namespaces have no disks to give to a machine.
        if (!Environment.IsPrivilegedProcess)
            return;
        await using var server = await TestServer.StartAsync(MicroVms.Settings);
        var created = await server.RunAsync("runtime", "create", "keeper", "--image", "host", "--storage", "/mnt/data", "--isolation", "namespace", "--json");
        Assert.True(created.ExitCode == 0, created.Errors);
        var arn = JsonElement.Parse(created.Output).GetProperty("agentRuntimeArn").GetString()!;
        var id = ShellClient.NewSessionId();
        Assert.Equal("", await StoreAsync("echo from a namespace > /mnt/data/file"));
        await IsolateByAsync("microvm");
        Assert.Equal("from a namespace\n0:0\n", await StoreAsync("cat /mnt/data/file; stat -c %u:%g /mnt/data/file; echo from a machine >> /mnt/data/file; chown 1000 /mnt/data/file"));
        Assert.Equal("from a machine\n1000:0\n", await StoreAsync("tail -n 1 /mnt/data/file; stat -c %u:%g /mnt/data/file; dd if=/dev/zero of=/mnt/data/big bs=1M count=30 status=none"));
        await IsolateByAsync("namespace");
        Assert.Equal("2\n31457280\n", await StoreAsync("wc -l < /mnt/data/file; stat -c %s /mnt/data/big"));

        async Task IsolateByAsync(string isolation)
        {
            using var api = new ApiClient(server);
            using var answer = await api.SendAsync(HttpMethod.Post, $"/tags/{Uri.EscapeDataString(arn)}", $$"""{"tags": {"porthole:isolation": "{{isolation}}"} }""");
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }

        async Task<string> StoreAsync(string command)
        {
            var (code, output, errors) = await ExecAsync(server, "--runtime", "keeper", "--session-id", id, "--", "sh", "-c", command);
            Assert.True(code == 0, errors);
            Assert.Equal(0, (await server.RunAsync("session", "stop", "--all")).ExitCode);
            return output;
        }
    }

    [Fact]
    public async Task Code_from_a_zip_is_the_agent_of_a_machine_too()
    {
        await using var server = await TestServer.StartAsync(MicroVms.Settings);
        using (var zip = await ZipFile.OpenAsync(Path.Combine(server.Root, "agent.zip"), ZipArchiveMode.Create, TestContext.Current.CancellationToken))
        {
            await AddAsync(zip, "main.py", "import other\nother.tell()\n");
            await AddAsync(zip, "lib/other.py", "import os, time\ndef tell():\n  print('it runs in', os.getcwd(), flush=True)\n  time.sleep(1000)\n");
        }

        var arn = await AgentRuntime.CreateAsync(server, configuration =>
        {
            configuration["environmentVariables"] = new JsonObject { ["PYTHONPATH"] = "/var/task/lib" };
            configuration["agentRuntimeArtifact"] = new JsonObject
            {
                ["codeConfiguration"] = new JsonObject
                {
                    ["code"] = new JsonObject { ["s3"] = new JsonObject { ["bucket"] = server.Root, ["prefix"] = "agent.zip" } },
                    ["runtime"] = "PYTHON_3_11",
                    ["entryPoint"] = new JsonArray("main.py"),
                },
            };
        });
        using var agent = new AgentClient(server, arn);
        using var api = new ApiClient(server, runtimeArn: arn);
        var shown = await api.RunCommandAsync(agent.SessionId, "pwd; cat main.py; stat -c %a main.py; touch x");
        Assert.Equal("/var/task\nimport other\nother.tell()\n644\n", shown.Stdout);
        Assert.Contains("Read-only file system", shown.Stderr, StringComparison.Ordinal);
        await agent.WaitForLogAsync("it runs in /var/task\n");
    }

    private static async Task AddAsync(ZipArchive zip, string name, string text)
    {
        await using var entry = await zip.CreateEntry(name).OpenAsync(TestContext.Current.CancellationToken);
        await entry.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);
    }

    // What stands behind -- is the command's own.
    private static Task<(int ExitCode, string Output, string Errors)> ExecAsync(TestServer server, params IEnumerable<string> arguments) =>
        PortholeProgram.RunAsync(null, ["exec", "--data-dir", server.DataDirectory, .. arguments]);
}
