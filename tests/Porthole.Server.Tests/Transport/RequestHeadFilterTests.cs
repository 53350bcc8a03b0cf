using System.Text;
using FsCheck.Xunit;
using Porthole.Server.Transport;

namespace Porthole.Server.Tests.Transport;

public class RequestHeadFilterTests
{
    private static string Filter(string head) => Encoding.Latin1.GetString(RequestHeadFilter.RemoveRepeatedLines(Encoding.Latin1.GetBytes(head)));

    [Theory]
    [InlineData("Host: a:8443\r\nHost: a:8443\r\n", "Host: a:8443\r\n")]
    [InlineData("Host: a:8443\r\nUpgrade: websocket\r\nhost:a:8443 \r\n", "Host: a:8443\r\nUpgrade: websocket\r\n")]
    [InlineData("Host: a\r\nHost: a\r\nHost: a\r\n", "Host: a\r\n")]
    [InlineData(
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n"
        + "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: k\r\nsec-websocket-version: 13\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n")]
    public void An_identical_second_line_is_removed(string sent, string passedOn) =>
        Assert.Equal($"GET /x HTTP/1.1\r\n{passedOn}\r\n", Filter($"GET /x HTTP/1.1\r\n{sent}\r\n"));

    [Theory]
    [InlineData("Host: a\r\nHost: b\r\n")]
    [InlineData("Host: a\r\nHost: A\r\n")]
    [InlineData("Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b\r\n")]
    [InlineData("Content-Length: 1\r\nContent-Length: 1\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")]
    [InlineData("Cookie: a\r\nCookie: a\r\n")]
    [InlineData("Host: a\r\nHost : a\r\n")]
    [InlineData("Host: a\r\nHost: a\r\n b\r\n")]
    [InlineData("Host\r\nHost\r\n")]
    [InlineData("")]
    public void Everything_else_is_left_for_the_server_to_judge(string sent)
    {
        var head = $"GET /x HTTP/1.1\r\n{sent}\r\n";
        Assert.Equal(head, Filter(head));
    }

    [Fact]
    public void A_request_line_is_never_taken_for_a_header()
    {
        const string head = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n";
        Assert.Equal(head, Filter(head));
    }

    [Property(MaxTest = 2000)]
    public void Any_bytes_are_passed_on_and_what_was_filtered_once_stays(byte[] noise)
    {
        var once = RequestHeadFilter.RemoveRepeatedLines(noise);
        Assert.True(once.Length <= noise.Length);
        Assert.Equal(once, RequestHeadFilter.RemoveRepeatedLines(once));
    }
}
