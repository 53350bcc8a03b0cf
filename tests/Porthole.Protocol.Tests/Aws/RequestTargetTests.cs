using FsCheck.Xunit;
using Porthole.Protocol.Aws;

namespace Porthole.Protocol.Tests.Aws;

public class RequestTargetTests
{
    private const string Arn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_agent-abcdefghij";
    private static readonly string Encoded = PercentEncoding.Encode(Arn);

    [Theory]
    [InlineData("invocations", DataPlaneOperation.InvokeAgentRuntime)]
    [InlineData("commands", DataPlaneOperation.InvokeAgentRuntimeCommand)]
    [InlineData("stopruntimesession", DataPlaneOperation.StopRuntimeSession)]
    [InlineData("ws", DataPlaneOperation.InvokeAgentRuntimeWithWebSocketStream)]
    [InlineData("ws/shells", DataPlaneOperation.InvokeAgentRuntimeCommandShell)]
    [InlineData("invocations/.well-known/agent-card.json", DataPlaneOperation.GetAgentCard)]
    [InlineData("invocations/.well-known/oauth-protected-resource", DataPlaneOperation.GetProtectedResourceMetadata)]
    public void Each_operation_is_known_by_the_end_of_its_path(string suffix, DataPlaneOperation operation)
    {
        foreach (var runtime in new[] { Encoded, Arn })
        {
            Assert.True(RequestTarget.TryParse($"/runtimes/{runtime}/{suffix}?qualifier=DEFAULT", out var target));
            Assert.Equal(operation, target.Operation);
            Assert.Equal(Arn, target.Runtime);
            Assert.Equal($"/runtimes/{runtime}/{suffix}", target.RawPath);
            Assert.Equal("qualifier=DEFAULT", target.RawQuery);
        }
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/healthz")]
    [InlineData("/runtimes/")]
    [InlineData("/runtimes/x/")]
    [InlineData("/runtimes//ws")]
    [InlineData("/runtimes/ws")]
    [InlineData("/runtimes/x/ws/")]
    [InlineData("/runtimes/x/ws%2Fshells")]
    [InlineData("/Runtimes/x/ws")]
    public void Other_paths_are_no_operation(string raw)
    {
        Assert.True(RequestTarget.TryParse(raw, out var target));
        Assert.Equal(DataPlaneOperation.None, target.Operation);
        Assert.Equal("", target.Runtime);
    }

    [Fact]
    public void The_runtime_is_decoded_once_and_only_once()
    {
        Assert.True(RequestTarget.TryParse("/runtimes/a%253Ab/ws", out var target));
        Assert.Equal("a%3Ab", target.Runtime);
    }

    [Theory]
    [InlineData("http://localhost:8443/runtimes/x/ws?a=b")]
    [InlineData("/runtimes/x/ws?a=b")]
    public void Origin_form_and_absolute_form_mean_the_same(string raw)
    {
        Assert.True(RequestTarget.TryParse(raw, out var target));
        Assert.Equal(("/runtimes/x/ws", "a=b", "x"), (target.RawPath, target.RawQuery, target.Runtime));
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("localhost:443")]
    [InlineData("http://localhost")]
    [InlineData("http://localhost?a=/runtimes/x/ws")]
    [InlineData("/runtimes/%/ws")]
    [InlineData("/runtimes/%zz/ws")]
    [InlineData("/runtimes/%ff/ws")]
    [InlineData("/runtimes/x/ws?a=%4")]
    [InlineData("/runtimes/x/ws?%c3=b")]
    public void A_target_that_cannot_be_read_is_refused(string raw) => Assert.False(RequestTarget.TryParse(raw, out _));

    [Fact]
    public void A_parameter_is_decoded_once_and_a_plus_stays_a_plus()
    {
        Assert.True(RequestTarget.TryParse("/x?shellId=a%20b+c&empty&&n=1=2", out var target));
        Assert.True(target.Query.TryGetOnly("shellId", out var shellId));
        Assert.Equal("a b+c", shellId);
        Assert.True(target.Query.TryGetOnly("empty", out var empty));
        Assert.Equal("", empty);
        Assert.True(target.Query.TryGetOnly("n", out var n));
        Assert.Equal("1=2", n);
        Assert.True(target.Query.TryGetOnly("absent", out var absent));
        Assert.Null(absent);
    }

    [Fact]
    public void A_parameter_with_two_values_is_not_believed()
    {
        Assert.True(RequestTarget.TryParse("/x?a=1&a=1&b=1&b=2", out var target));
        Assert.True(target.Query.TryGetOnly("a", out var a));
        Assert.Equal("1", a);
        Assert.False(target.Query.TryGetOnly("b", out _));
    }

    [Property(MaxTest = 2000)]
    public void Any_text_is_read_or_refused(string? noise)
    {
        foreach (var raw in new[] { noise ?? "", $"/runtimes/{noise}/ws/shells", $"/runtimes/x/ws?{noise}" })
        {
            if (RequestTarget.TryParse(raw, out var target)) Assert.StartsWith("/", target.RawPath, StringComparison.Ordinal);
        }
    }

    [Property(MaxTest = 1000)]
    public void Whatever_is_encoded_comes_back(string? text)
    {
        // Half a surrogate pair has no UTF-8 form; encoding replaces it.
        var valid = System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text ?? ""));
        Assert.True(PercentEncoding.TryDecode(PercentEncoding.Encode(valid), out var decoded));
        Assert.Equal(valid, decoded);
    }
}
