using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Porthole.Protocol.Shells;

namespace Porthole.Protocol.Tests.Shells;

public class ShellStatusTests
{
    public static TheoryData<ShellStatus, string> Payloads => new()
    {
        { new ShellStatus.Confirmed("sh-1", false), """{"kind":"Status","apiVersion":"v1","metadata":{"shellId":"sh-1","reconnected":false},"status":"Success"}""" },
        { new ShellStatus.Confirmed("sh-1", true), """{"kind":"Status","apiVersion":"v1","metadata":{"shellId":"sh-1","reconnected":true},"status":"Success"}""" },
        { new ShellStatus.Confirmed("sh-1", true, 7), """{"kind":"Status","apiVersion":"v1","metadata":{"shellId":"sh-1","reconnected":true,"bytesDropped":7},"status":"Success"}""" },
        { new ShellStatus.Confirmed("sh-1", true, 7, 4096), """{"kind":"Status","apiVersion":"v1","metadata":{"shellId":"sh-1","reconnected":true,"bytesDropped":7,"inputOffset":4096},"status":"Success"}""" },
        { new ShellStatus.Exited(0), """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}""" },
        { new ShellStatus.Exited(3), """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with exit code 3","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}""" },
        { ShellStatus.Exited.BySignal(9), """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with exit code 137","details":{"causes":[{"reason":"ExitCode","message":"137"},{"reason":"Signal","message":"9"}]}}""" },
        { new ShellStatus.PlatformError("no disk"), """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"InternalError","message":"no disk","code":500}""" },
    };

    [Theory]
    [MemberData(nameof(Payloads))]
    public void Each_status_has_its_documented_form_and_reads_back(ShellStatus status, string json)
    {
        var output = new ArrayBufferWriter<byte>();
        status.WriteTo(output);
        Assert.Equal(json, Encoding.UTF8.GetString(output.WrittenSpan));
        Assert.True(ShellStatus.TryParse(output.WrittenSpan, out var parsed));
        Assert.Equal(status, parsed);
    }

    [Theory]
    [InlineData("""{"metadata":{"shellId":"x"}}""")]
    [InlineData("""{"metadata":{"shellId":"x","reconnected":"yes","bytesDropped":-1},"status":"Failure"}""")]
    public void A_shell_id_makes_a_confirmation_whatever_else_is_said(string json)
    {
        Assert.True(ShellStatus.TryParse(Encoding.UTF8.GetBytes(json), out var status));
        Assert.Equal(new ShellStatus.Confirmed("x", false), status);
    }

    [Theory]
    [InlineData("""{"status":"Success","metadata":null}""")]
    [InlineData("""{"status":"Success","metadata":{"shellId":""},"unknown":[1,{}]}""")]
    public void Success_without_a_shell_id_is_exit_0(string json)
    {
        Assert.True(ShellStatus.TryParse(Encoding.UTF8.GetBytes(json), out var status));
        Assert.Equal(new ShellStatus.Exited(0), status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"status":"Pending"}""")]
    [InlineData("""{"status":1}""")]
    [InlineData("""{"status":"\ud800"}""")]
    [InlineData("""{"\ud800":1}""")]
    public void What_neither_confirms_nor_ends_is_refused(string json) =>
        Assert.False(ShellStatus.TryParse(Encoding.UTF8.GetBytes(json), out _));

    [Property(MaxTest = 3000)]
    public void Any_bytes_are_read_or_refused(NonNegativeInt which, NonNegativeInt position, byte replacement, byte[] noise)
    {
        var bytes = Encoding.UTF8.GetBytes(Payloads.ElementAt(which.Get % Payloads.Count).Data.Item2);
        bytes[position.Get % bytes.Length] = replacement;
        foreach (var payload in new[] { noise, bytes }) Assert.Equal(ShellStatus.TryParse(payload, out var status), status is not null);
    }
}
