using System.Net;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests;

public sealed class CredentialsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_may_do_what_its_policy_allows_until_it_is_revoked()
    {
        await using var server = await TestServer.StartAsync();
        var policy = Path.Combine(server.Root, "policy.json");
        await File.WriteAllTextAsync(policy, $$"""
            { "Version": "2012-10-17", "Statement": [
              { "Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntimeCommandShell", "Resource": "{{server.RuntimeArn}}*" } ] }
            """, Cancellation);
        var file = Path.Combine(server.Root, "aws-credentials");

        var create = await server.RunAsync("credentials", "create", "--name", "ci", "--policy", policy, "--write", file);

        Assert.True(create.ExitCode == 0, create.Errors);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var lines = await File.ReadAllLinesAsync(file, Cancellation);
        Assert.Equal("[ci]", lines[0]);
        var key = new SigV4Credentials(lines[1].Split(" = ")[1], lines[2].Split(" = ")[1]);
        Assert.Equal($"{key.AccessKeyId}\n", create.Output);

        using var shell = await ShellClient.OpenAsync(new Upgrade { Server = server, Credentials = key });
        using var api = new ApiClient(server, key);
        using (var refused = await api.StartCommandAsync(ShellClient.NewSessionId(), "true", cancellationToken: Cancellation))
        {
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Equal("AccessDeniedException", Assert.Single(refused.Headers.GetValues(AwsError.TypeHeader)));
            Assert.Contains($"The access key {key.AccessKeyId} (ci) is not authorized to perform bedrock-agentcore:InvokeAgentRuntimeCommand on", await refused.Content.ReadAsStringAsync(Cancellation));
        }

        using (var refused = await api.PostAsync("/porthole/v1/credentials", "{}", cancellationToken: Cancellation))
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        var revoke = await server.RunAsync("credentials", "revoke", key.AccessKeyId);

        Assert.Equal((0, "", ""), revoke);
        Assert.Equal(1008, (await shell.ReadCloseAsync()).CloseCode);
        (await ShellClient.TryOpenAsync(new Upgrade { Server = server, Credentials = key })).Answer.AssertError(403, "AccessDeniedException", "was revoked");
        var listed = JsonElement.Parse((await server.RunAsync("credentials", "list", "--json")).Output).EnumerateArray().Single(one => one.GetProperty("accessKeyId").GetString() == key.AccessKeyId);
        Assert.NotEqual(JsonValueKind.Null, listed.GetProperty("revokedAt").ValueKind);
        Assert.DoesNotContain(key.SecretAccessKey, listed.GetRawText());
        Assert.DoesNotContain(key.SecretAccessKey, server.Log.Text);
    }

    [Fact]
    public async Task The_operators_key_is_replaced_by_making_another_one_first()
    {
        await using var server = await TestServer.StartAsync();
        var first = server.Credentials.AccessKeyId;

        var last = await server.RunAsync("credentials", "revoke", first);
        Assert.Equal(1, last.ExitCode);
        Assert.Contains("Create another one first", last.Errors);

        var create = JsonElement.Parse((await server.RunAsync("credentials", "create", "--json")).Output);
        Assert.Equal(0, (await server.RunAsync("credentials", "revoke", first)).ExitCode);

        // The command line goes on with the new key, which it finds in the data directory.
        var list = await server.RunAsync("credentials", "list");
        Assert.True(list.ExitCode == 0, list.Errors);
        Assert.Contains("revoked", list.Output.Split('\n').Single(line => line.Contains(first)));
        Assert.Contains("active", list.Output.Split('\n').Single(line => line.Contains(create.GetProperty("accessKeyId").GetString()!)));
        server.ReadCredentials();
    }

    [Fact]
    public async Task A_policy_that_is_not_understood_makes_no_key_and_says_why()
    {
        await using var server = await TestServer.StartAsync();
        var policy = Path.Combine(server.Root, "policy.json");
        await File.WriteAllTextAsync(policy, """{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "DateLessThan": { "aws:CurrentTime": "2030-01-01T00:00:00Z" } } } }""", Cancellation);
        var create = await server.RunAsync("credentials", "create", "--policy", policy);
        Assert.Equal((1, ""), (create.ExitCode, create.Output));
        Assert.Contains("'DateLessThan' is not supported", create.Errors);
        Assert.Single(JsonElement.Parse((await server.RunAsync("credentials", "list", "--json")).Output).EnumerateArray());
    }
}
