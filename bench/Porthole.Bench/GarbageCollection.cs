using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Porthole.Bench;

/// <summary>
/// Asks another .NET process for a full collection, through its diagnostics port: what is free inside its heap is no shell's
/// memory, and the collector alone would leave it there until the process allocates again.
/// </summary>
internal static class GarbageCollection
{
    private const byte EventPipe = 2, StopTracing = 1, CollectTracing = 2;
    private const int HeaderBytes = 20;

    public static void Force(int pid)
    {
        var path = Directory.EnumerateFiles("/tmp", string.Create(CultureInfo.InvariantCulture, $"dotnet-diagnostic-{pid}-*-socket")).FirstOrDefault()
            ?? throw new BenchException($"process {pid} has no diagnostics port, so its garbage cannot be told from what it needs");
        // A trace with this keyword begins with a full collection (as dotnet-gcdump does it); the trace itself is thrown away.
        const ulong GCHeapCollect = 0x800000;
        const uint BufferMegabytes = 16, NetTrace = 1, Informational = 4;
        const string Provider = "Microsoft-Windows-DotNETRuntime\0";
        var payload = new MemoryStream();
        using (var writer = new BinaryWriter(payload, Encoding.Unicode, leaveOpen: true))
        {
            writer.Write(BufferMegabytes);
            writer.Write(NetTrace);
            writer.Write(1u);
            writer.Write(GCHeapCollect);
            writer.Write(Informational);
            writer.Write((uint)Provider.Length);
            writer.Write(Encoding.Unicode.GetBytes(Provider));
            writer.Write(0u);
        }
        using var trace = Command(path, CollectTracing, payload.ToArray(), out var session);
        using var stop = Command(path, StopTracing, session, out _, whileWaiting: trace);
    }

    /// <summary>Sends a command and returns the connection with the answer's first eight bytes read.</summary>
    private static Socket Command(string path, byte command, byte[] payload, out byte[] answer, Socket? whileWaiting = null)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            var message = new byte[HeaderBytes + payload.Length];
            "DOTNET_IPC_V1\0"u8.CopyTo(message);
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(14), (ushort)message.Length);
            message[16] = EventPipe;
            message[17] = command;
            payload.CopyTo(message.AsSpan(HeaderBytes));
            socket.Send(message);
            // The runtime ends a trace only when somebody takes what is left of it.
            var rest = new byte[64 * 1024];
            while (whileWaiting is not null && whileWaiting.Receive(rest) > 0)
            {
            }
            var header = new byte[HeaderBytes + sizeof(ulong)];
            for (var filled = 0; filled < header.Length;)
            {
                var count = socket.Receive(header.AsSpan(filled));
                if (count == 0)
                    throw new BenchException("the diagnostics port closed without an answer");
                filled += count;
            }
            if (header[16] != 0xFF || header[17] != 0)
                throw new BenchException($"the diagnostics port refused command {command}");
            answer = header[HeaderBytes..];
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
