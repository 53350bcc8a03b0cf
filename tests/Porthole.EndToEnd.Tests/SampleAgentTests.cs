using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>samples/http-agent as it is in the repository, run the way its README says.</summary>
public sealed class SampleAgentTests(SharedServer shared)
{
    private static readonly string Source = File.ReadAllText(Path.Combine(PortholeProgram.RepositoryDirectory, "samples", "http-agent", "agent.py"));

    [Fact]
    public async Task It_answers_streams_works_on_in_the_background_and_keeps_a_log()
    {
        using var agent = new AgentClient(shared.Server, await AgentRuntime.OfPythonAsync(shared.Server, Source));
        string[] inSession = ["--runtime", agent.RuntimeArn, "--session-id", agent.SessionId];
        var plain = await shared.Server.RunAsync(["invoke", .. inSession, "--payload", """{"prompt": "hello"}"""]).InTime();
        Assert.Equal((0, """{"result": "You said: hello"}"""), (plain.ExitCode, plain.Output));
        var events = await shared.Server.RunAsync(["invoke", .. inSession, "--payload", """{"prompt": "one two"}""", "--accept", "text/event-stream"]).InTime();
        Assert.Equal(["You", "said:", "one", "two"], events.Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string>(line["data: ".Length..])));

        await agent.AskAsync("", """{"prompt": "long work", "background": 1}""");
        using var shell = new ApiClient(shared.Server, runtimeArn: agent.RuntimeArn);
        await Patience.UntilAsync("a shell of the session to see the work", async () => (await shell.RunCommandAsync(agent.SessionId, "cat /tmp/report.txt")).Stdout == "long work: step 1\n");
        await agent.WaitForLogAsync($"session {agent.SessionId} asks: long work");

        var refused = await shared.Server.RunAsync(["invoke", .. inSession, "--payload", "no JSON"]).InTime();
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("Received error (400) from runtime.", refused.Errors, StringComparison.Ordinal);
    }
}
