using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>
/// boto3 and the AWS CLI as Debian has them, over the server's own TLS, with the environment that <c>porthole env</c> prints. They are older than
/// the service, so BotoModels describes to them what the test needs of it (contract sections 2 and 8); all else, from the signature to the event
/// stream, is theirs.
/// </summary>
public sealed class BotoClientTests
{
    private const string Command =
        """
        import boto3, json, os, sys
        client = boto3.client("bedrock-agentcore", endpoint_url=os.environ["PORTHOLE_ENDPOINT"])
        answer = client.invoke_agent_runtime_command(
            agentRuntimeArn=os.environ["PORTHOLE_RUNTIME_ARN"], runtimeSessionId=sys.argv[1], body={"command": "printf \u00fcber; exit 3"})
        print(json.dumps([event["chunk"] for event in answer["stream"]]))
        """;

    [Fact]
    public async Task Debians_boto3_runs_a_command_and_Debians_aws_stops_the_session()
    {
        await using var server = await TestServer.StartAsync(scheme: "https");
        var variables = JsonSerializer.Deserialize<Dictionary<string, string>>((await server.RunAsync("env", "--format", "json")).Output)!;
        variables["AWS_DATA_PATH"] = Path.Combine(PortholeProgram.RepositoryDirectory, "tests", "Porthole.EndToEnd.Tests", "BotoModels");
        var session = ShellClient.NewSessionId();

        var command = await PortholeProgram.RunProgramAsync(variables, ["/usr/bin/python3", "-c", Command, session]);
        Assert.Equal("", command.Errors);
        Assert.Equal(
            """[{"contentStart": {}}, {"contentDelta": {"stdout": "\u00fcber"}}, {"contentStop": {"exitCode": 3, "status": "COMPLETED"}}]""" + "\n",
            command.Output);

        string[] stop = [
            "/usr/bin/aws", "bedrock-agentcore", "stop-runtime-session", "--endpoint-url", variables["PORTHOLE_ENDPOINT"],
            "--agent-runtime-arn", server.RuntimeArn, "--runtime-session-id", session];
        var stopped = await PortholeProgram.RunProgramAsync(variables, stop);
        Assert.Equal((0, ""), (stopped.ExitCode, stopped.Errors));
        Assert.Equal(session, JsonElement.Parse(stopped.Output).GetProperty("runtimeSessionId").GetString());
        var again = await PortholeProgram.RunProgramAsync(variables, stop);
        Assert.Contains("(ResourceNotFoundException)", again.Errors);

        // Without the bundle it does not know the authority.
        variables.Remove("AWS_CA_BUNDLE");
        var stranger = await PortholeProgram.RunProgramAsync(variables, stop);
        Assert.Contains("SSL validation failed", stranger.Errors);
    }
}
