using Porthole.Server.Api;
using Porthole.Server.Control;

namespace Porthole.Server.Tests.Control;

public sealed class ControlOperationTests
{
    private const string Id = "my_agent-abcdefghij";
    private const string Arn = $"arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/{Id}";

    private static ControlPath? Match(string template, string raw) =>
        new ControlOperation("Op", "GET", template, 200, _ => Task.FromResult<object?>(null)).TryMatch(raw, out var path) ? path : null;

    [Theory]
    [InlineData("/runtimes/", "/runtimes/", null, null)]
    [InlineData("/runtimes/{runtime}/", $"/runtimes/{Id}/", Id, null)]
    [InlineData("/runtimes/{runtime}/runtime-endpoints/{endpoint}/", $"/runtimes/{Id}/runtime-endpoints/prod/", Id, "prod")]
    public void A_path_names_its_runtime_and_endpoint(string template, string raw, string? runtime, string? endpoint) =>
        Assert.Equal(new ControlPath(runtime, endpoint), Match(template, raw));

    [Theory]
    [InlineData("arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A000000000000%3Aruntime%2Fmy_agent-abcdefghij")]
    [InlineData(Arn)]
    public void The_slashes_of_an_arn_may_be_encoded_or_not(string raw) => Assert.Equal(new ControlPath(ResourceArn: Arn), Match("/tags/{arn}", $"/tags/{raw}"));

    [Theory]
    [InlineData("/runtimes/", "/runtimes")]
    [InlineData("/runtimes/{runtime}/", $"/runtimes/{Id}")]
    [InlineData("/runtimes/{runtime}/", "/runtimes//")]
    [InlineData("/runtimes/{runtime}/", $"/runtimes/{Id}/versions/")]
    [InlineData("/tags/{arn}", "/tags/")]
    public void Other_paths_are_not_the_operations(string template, string raw) => Assert.Null(Match(template, raw));

    [Theory]
    [InlineData("/runtimes/{runtime}/", "/runtimes/no-id/", "agentRuntimeId")]
    [InlineData("/runtimes/{runtime}/", "/runtimes/%zz/", "agentRuntimeId")]
    [InlineData("/runtimes/{runtime}/runtime-endpoints/{endpoint}/", $"/runtimes/{Id}/runtime-endpoints/a%2Fb/", "endpointName")]
    [InlineData("/tags/{arn}", "/tags/arn:aws:s3:::bucket", "resourceArn")]
    public void What_cannot_exist_is_named(string template, string raw, string field) =>
        Assert.Equal(field, Assert.Single(Assert.Throws<AwsException>(() => Match(template, raw)).Error.Fields!).Name);
}
