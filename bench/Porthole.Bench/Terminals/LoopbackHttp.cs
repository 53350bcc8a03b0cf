using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Porthole.Bench.Terminals;

/// <summary>HTTP/1.1 by hand on 127.0.0.1: what a library adds would be charged to the peer.</summary>
internal static class LoopbackHttp
{
    /// <summary>Opens a WebSocket.</summary>
    /// <param name="port">On 127.0.0.1.</param>
    /// <param name="target">Path and query as they go on the wire.</param>
    /// <param name="headers">More header lines, each ending in CR LF.</param>
    /// <param name="channels">The peer's framing.</param>
    public static WebSocketTerminal Upgrade(int port, string target, string headers, WebSocketTerminal.Channels channels)
    {
        var socket = Connect(port);
        try
        {
            const string Ask = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: cG9ydGhvbGUtYmVuY2hlcw==\r\nSec-WebSocket-Version: 13\r\n";
            var (answer, early) = Request(socket, port, "GET", target, Ask + headers);
            return answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal)
                ? new WebSocketTerminal(socket, early, channels)
                : throw new BenchException($"the upgrade was refused: {answer.Trim()} {Encoding.UTF8.GetString(early)}");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request without a body and returns the answer's status line and headers.</summary>
    public static string Send(int port, string method, string target, string headers = "")
    {
        using var socket = Connect(port);
        return Request(socket, port, method, target, $"Content-Length: 0\r\nConnection: close\r\n{headers}").Answer;
    }

    private static Socket Connect(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    private static (string Answer, byte[] Early) Request(Socket socket, int port, string method, string target, string headers)
    {
        Native.WriteAll((int)socket.Handle, Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n"));
        Span<Native.PollDescriptor> wait = [new() { Descriptor = (int)socket.Handle, Events = Native.POLLIN }];
        var buffer = new byte[64 * 1024];
        var filled = 0;
        while (filled < buffer.Length)
        {
            if (!Native.WaitReadable(wait, 15 * Clock.Second))
                throw new BenchException($"no answer to {method} {target} within 15 s");
            var count = Native.ReadSome((int)socket.Handle, buffer.AsSpan(filled));
            if (count == 0)
                break;
            filled += count;
            var end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
                return (Encoding.Latin1.GetString(buffer, 0, end), buffer[(end + 4)..filled]);
        }
        throw new BenchException($"the server closed during {method} {target}: {Encoding.Latin1.GetString(buffer, 0, filled)}");
    }
}
