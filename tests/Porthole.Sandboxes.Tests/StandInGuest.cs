using System.Net.Sockets;
using System.Text;

namespace Porthole.Sandboxes.Tests;

/// <summary>Runs commands in a sandbox through the stand-in guest.</summary>
internal static class StandInGuest
{
    /// <summary>Runs a command of sh; gives what it printed to both outputs, and its status.</summary>
    public static async Task<(string Output, int Status)> RunAsync(this Sandbox sandbox, string command)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience.Limit);
        using var lane = await sandbox.ConnectAsync(patience.Token);
        using var socket = new Socket(new SafeSocketHandle(lane.Number, ownsHandle: false));
        await socket.SendAsync(Encoding.UTF8.GetBytes(command), patience.Token);
        socket.Shutdown(SocketShutdown.Send);
        using var answer = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int count; (count = await socket.ReceiveAsync(buffer, patience.Token)) > 0;)
            answer.Write(buffer, 0, count);
        var text = Encoding.UTF8.GetString(answer.ToArray());
        var end = text.LastIndexOf('\n');
        Assert.True(end >= 0 && int.TryParse(text[(end + 1)..], out _), $"no status after: {command}\ngot: {text}");
        return (text[..end].Trim('\n'), int.Parse(text[(end + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Runs a command that must succeed.</summary>
    public static async Task<string> OutputAsync(this Sandbox sandbox, string command)
    {
        var (output, status) = await sandbox.RunAsync(command);
        Assert.True(status == 0, $"{command} ended with {status}:\n{output}");
        return output;
    }
}
