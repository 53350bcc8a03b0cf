using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Tests.Auth;

public sealed class ProtectedResourceTests
{
    private static readonly DeploymentName Name =
        new(new RuntimeArn("aws", "us-west-2", "123456789012", RuntimeKind.Runtime, "my_agent-abcdefghij"), "DEFAULT", "my_agent-abcdefghij");

    [Theory]
    [InlineData("http", null, "http://agents.example:8080")]
    [InlineData("https", null, "https://agents.example:8080")]
    [InlineData("http", "https://public.example/", "https://public.example")]
    public void The_metadata_is_where_the_client_found_the_server_or_where_the_operator_says(string scheme, string? publicUrl, string server)
    {
        var request = new DefaultHttpContext { Request = { Scheme = scheme, Host = new HostString("agents.example", 8080) } }.Request;
        request.Headers["X-Forwarded-Proto"] = "gopher";
        Assert.Equal(
            server + "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-west-2%3A123456789012%3Aruntime%2Fmy_agent-abcdefghij/invocations"
                + "/.well-known/oauth-protected-resource?qualifier=DEFAULT",
            ProtectedResource.MetadataUrl(request, publicUrl is null ? null : new Uri(publicUrl), Name));
    }
}
