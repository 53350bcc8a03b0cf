using System.Buffers;
using System.Text;
using Porthole.Protocol.Aws;

namespace Porthole.Protocol.Tests.Aws;

public class AwsErrorTests
{
    private static string Body(AwsError error)
    {
        var output = new ArrayBufferWriter<byte>();
        error.WriteBody(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    [Fact]
    public void The_text_is_under_both_names_that_clients_read() =>
        Assert.Equal("""{"message":"not 'you'","error":"not 'you'"}""", Body(AwsError.AccessDenied("not 'you'")));

    [Fact]
    public void A_validation_error_says_why_and_which_field() =>
        Assert.Equal(
            """{"message":"too long","error":"too long","reason":"FieldValidationFailed","fieldList":[{"name":"shellId","message":"too long"}]}""",
            Body(AwsError.InvalidField("shellId", "too long")));
}
