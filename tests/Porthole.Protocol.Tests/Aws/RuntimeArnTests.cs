using FsCheck;
using FsCheck.Xunit;
using Porthole.Protocol.Aws;

namespace Porthole.Protocol.Tests.Aws;

public class RuntimeArnTests
{
    private const string Good = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_agent-abcdefghij";

    [Theory]
    [InlineData(Good)]
    [InlineData(Good + "/runtime-endpoint/DEFAULT")]
    [InlineData("arn:aws-us-gov:bedrock-agentcore:us-gov-west-1:123456789012:runtime/a-ABCDEFGHI0")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/my-harness_1")]
    public void An_ARN_survives_reading_and_writing(string text)
    {
        Assert.True(RuntimeArn.TryParse(text, out var arn));
        Assert.Equal(text, arn.ToString());
    }

    [Fact]
    public void The_parts_are_named()
    {
        Assert.True(RuntimeArn.TryParse(Good + "/runtime-endpoint/prod", out var arn));
        Assert.Equal(new RuntimeArn("aws", "us-west-2", "123456789012", RuntimeKind.Runtime, "my_agent-abcdefghij", "prod"), arn);
    }

    [Theory]
    [InlineData("")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/short")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/a-abcdefghi")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/-abcdefghij")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/1a-abcdefghij")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/../a-abcdefghij")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:12345678901:runtime/a-abcdefghij")]
    [InlineData("arn:aws:bedrock-agentcore:us west:123456789012:runtime/a-abcdefghij")]
    [InlineData("arn:gcp:bedrock-agentcore:us-west-2:123456789012:runtime/a-abcdefghij")]
    [InlineData("arn:aws:s3:us-west-2:123456789012:runtime/a-abcdefghij")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:agent/a-abcdefghij")]
    [InlineData(Good + ":1")]
    [InlineData(Good + "/")]
    [InlineData(Good + "/runtime-endpoint/")]
    [InlineData(Good + "/endpoint/DEFAULT")]
    [InlineData(Good + "/runtime-endpoint/DEFAULT/x")]
    [InlineData("arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/h/runtime-endpoint/DEFAULT")]
    public void Anything_else_is_refused(string text) => Assert.False(RuntimeArn.TryParse(text, out _));

    [Property(MaxTest = 2000)]
    public void A_changed_ARN_is_refused_or_reads_back_as_itself(NonNegativeInt position, string? noise)
    {
        var at = position.Get % (Good.Length + 1);
        var text = Good.Insert(at, noise ?? "");
        if (RuntimeArn.TryParse(text, out var arn)) Assert.Equal(text, arn.ToString());
    }

    [Fact]
    public void A_new_id_is_the_name_and_ten_random_letters_or_digits()
    {
        var id = RuntimeArn.NewRuntimeId("sandbox");
        Assert.True(RuntimeArn.IsRuntimeId(id));
        Assert.StartsWith("sandbox-", id, StringComparison.Ordinal);
        Assert.NotEqual(id, RuntimeArn.NewRuntimeId("sandbox"));
        Assert.Throws<ArgumentException>(() => RuntimeArn.NewRuntimeId("no dash-es"));
    }
}
