using Porthole.Protocol.Aws;

namespace Porthole.Client.Tests;

public sealed class AwsEnvironmentTests
{
    [Fact]
    public void The_endpoints_official_names_win_over_ours()
    {
        Assert.Null(With().Endpoint());
        Assert.Equal("http://p:1/", With(("PORTHOLE_ENDPOINT", "http://p:1")).Endpoint()!.AbsoluteUri);
        Assert.Equal("https://d/", With(("PORTHOLE_ENDPOINT", "http://p:1"), ("BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT", "https://d")).Endpoint()!.AbsoluteUri);
        Assert.Contains("is no http", Assert.Throws<AgentCoreException>(() => With(("PORTHOLE_ENDPOINT", "localhost:80")).Endpoint()).Message);
    }

    [Fact]
    public void Keys_in_the_environment_win_over_the_file()
    {
        var environment = With(("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"));
        Assert.Equal(new SigV4Credentials("id", "secret"), environment.Credentials());
    }

    [Fact]
    public void Without_keys_and_file_the_error_says_what_was_looked_for()
    {
        var message = Assert.Throws<AgentCoreException>(() => With(("HOME", "/nowhere")).Credentials()).Message;
        Assert.Contains("AWS_ACCESS_KEY_ID", message);
        Assert.Contains("/nowhere/.aws/credentials", message);
    }

    [Fact]
    public void The_shared_file_is_read_by_profile()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """
                # comment
                [default]
                aws_access_key_id = AKID
                aws_secret_access_key=sec=ret/+

                [ other ]
                aws_access_key_id=O
                aws_secret_access_key = S
                aws_session_token = T
                [incomplete]
                aws_access_key_id=O
                """);
            Assert.Equal(new SigV4Credentials("AKID", "sec=ret/+"), With(("AWS_SHARED_CREDENTIALS_FILE", path)).Credentials());
            Assert.Equal(new SigV4Credentials("O", "S", "T"), With(("AWS_SHARED_CREDENTIALS_FILE", path), ("AWS_PROFILE", "other")).Credentials());
            Assert.Contains("'incomplete'", Assert.Throws<AgentCoreException>(() => SharedCredentialsFile.Read(path, "incomplete")).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Without_an_endpoint_AWS_own_host_of_the_runtimes_region_is_used()
    {
        using var client = new AgentCoreClient(new AgentCoreClientOptions { Authentication = ClientAuthentication.AccessKey(ScriptedServer.Key) });
        var uri = client.PresignShell(ScriptedServer.RuntimeArn, new string('s', 36), "sh-1", TimeSpan.FromSeconds(300));
        Assert.StartsWith("wss://bedrock-agentcore.eu-test-1.amazonaws.com/runtimes/arn%3Aaws%3Abedrock-agentcore%3A", uri.AbsoluteUri);
        Assert.Contains("X-Amz-Signature=", uri.Query);
    }

    private static AwsEnvironment With(params (string Name, string Value)[] variables) =>
        new(name => variables.FirstOrDefault(variable => variable.Name == name).Value);
}
