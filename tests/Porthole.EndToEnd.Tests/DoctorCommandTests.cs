using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary><c>porthole doctor</c> on a host that runs sessions, since these tests do, and on one that cannot.</summary>
public sealed class DoctorCommandTests(SharedServer shared)
{
    [Fact]
    public async Task It_finds_the_server_and_that_sessions_can_run()
    {
        var (code, output, errors) = await shared.Server.RunAsync("doctor");
        Assert.True(code == 0, output + errors);
        Assert.Contains($"a server (pid {shared.Server.ProcessId}) runs on it", output);
        Assert.Contains("Sessions can run here", output);
        Assert.DoesNotContain("fail ", output);
    }

    [Fact]
    public async Task Json_has_the_same_for_programs()
    {
        var (code, output, _) = await shared.Server.RunAsync("doctor", "--json");
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        Assert.True(json.RootElement.GetProperty("canRun").GetBoolean());
        Assert.Equal("namespace", json.RootElement.GetProperty("isolation").GetString());
        Assert.All(json.RootElement.GetProperty("checks").EnumerateArray(), check =>
        {
            Assert.Contains(check.GetProperty("status").GetString(), new[] { "ok", "warn" });
            Assert.NotEqual("", check.GetProperty("meaning").GetString());
        });
    }

    [Fact]
    public async Task Without_what_images_are_got_with_it_says_what_to_install()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var host = new HostWithoutTool("skopeo");
        var data = Path.Combine(Path.GetTempPath(), $"porthole-e2e-{Guid.NewGuid():N}");
        var (code, output, errors) = await PortholeProgram.RunProgramAsync(null, host.Command("doctor", "--data-dir", data));
        Assert.True(code == 0, output + errors);
        Assert.Matches(@"(?m)^warn +images .*skopeo missing\n +-> apt-get install skopeo$", output);
    }

    [Fact]
    public async Task What_is_in_the_way_is_named_with_what_to_do_and_the_code_is_1()
    {
        var file = Path.GetTempFileName();
        try
        {
            var (code, output, _) = await PortholeProgram.RunAsync(null, "doctor", "--data-dir", Path.Combine(file, "data"));
            Assert.Equal(1, code);
            Assert.Matches(@"(?m)^fail +data directory .*is a file\n +-> choose another one", output);
            Assert.Contains("Sessions cannot run here", output);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
