using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// QEMU's monitor (QMP, the QEMU Machine Protocol). The guest cannot reach it; QEMU itself, should somebody have taken it over, is
/// not believed: what it says is bounded.
/// </summary>
internal sealed class Monitor : IDisposable
{
    // The longest answer to what is asked here has some hundred bytes.
    private const int MostBytes = 64 * 1024;

    private static readonly TimeSpan ConnectRetry = TimeSpan.FromMilliseconds(2);

    private readonly Socket _socket;
    private readonly Descriptor _descriptor;
    private readonly byte[] _received = new byte[MostBytes];
    private int _length;

    private Monitor(Descriptor descriptor)
    {
        _descriptor = descriptor;
        _socket = new Socket(new SafeSocketHandle(descriptor.Number, ownsHandle: false));
    }

    /// <summary>Connects, and waits until QEMU takes commands.</summary>
    /// <param name="directory">Where the monitor's socket is.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="SandboxException">QEMU has ended, or speaks something else.</exception>
    public static async Task<Monitor> ConnectAsync(string directory, CancellationToken cancel)
    {
        Descriptor? descriptor;
        try
        {
            while ((descriptor = UnixSocket.TryConnect(directory, MachineLauncher.MonitorName)) is null)
                await Task.Delay(ConnectRetry, cancel);
        }
        catch (PosixException failure)
        {
            throw new SandboxException($"QEMU of {directory} has ended", failure);
        }

        var monitor = new Monitor(descriptor);
        try
        {
            await monitor.RunAsync("qmp_capabilities", null, cancel);
            return monitor;
        }
        catch
        {
            monitor.Dispose();
            throw;
        }
    }

    /// <summary>Runs a command.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="arguments">Its arguments as a JSON object; null for none.</param>
    /// <param name="cancel">Ends the wait; the monitor cannot be used any more then.</param>
    /// <param name="descriptor">A descriptor that goes with it.</param>
    /// <exception cref="SandboxException">QEMU refused, or has ended.</exception>
    public async Task RunAsync(string command, string? arguments, CancellationToken cancel, Descriptor? descriptor = null)
    {
        var line = Encoding.UTF8.GetBytes(arguments is null ? $"{{\"execute\":\"{command}\"}}\n" : $"{{\"execute\":\"{command}\",\"arguments\":{arguments}}}\n");
        UnixSocket.Send(_descriptor, line, descriptor);
        while (true)
        {
            using var answer = await ReadAsync(cancel);
            if (answer.RootElement.TryGetProperty("return", out _))
                return;
            if (answer.RootElement.TryGetProperty("error", out var error))
                throw new SandboxException($"QEMU refused {command}: {error}");
        }
    }

    /// <summary>Pauses the machine, with all that is under way to its disks finished, and has the state of its devices written, its memory not.</summary>
    /// <param name="file">A file in memory: QEMU may write to it what it likes.</param>
    /// <param name="cancel">Ends the wait; the monitor cannot be used any more then.</param>
    /// <exception cref="SandboxException">QEMU refused, or has ended.</exception>
    public async Task SaveDevicesAsync(Descriptor file, CancellationToken cancel)
    {
        // QEMU takes one that is open for writing and for nothing else. Low numbers are storage's (MachineDisks).
        using var forWriting = Descriptor.Open($"/proc/self/fd/{file.Number}", Libc.O_WRONLY);
        await RunAsync("stop", null, cancel);
        await RunAsync("add-fd", """{"fdset-id":99}""", cancel, forWriting);
        await RunAsync("xen-save-devices-state", """{"filename":"/dev/fdset/99","live":false}""", cancel);
    }

    /// <summary>Waits for a migration to end (event MIGRATION; the capability "events" must be on).</summary>
    /// <exception cref="SandboxException">It failed, or QEMU has ended.</exception>
    public async Task WaitForMigrationAsync(CancellationToken cancel)
    {
        while (true)
        {
            using var told = await ReadAsync(cancel);
            if (!told.RootElement.TryGetProperty("event", out var name) || name.GetString() != "MIGRATION")
                continue;
            switch (told.RootElement.GetProperty("data").GetProperty("status").GetString())
            {
                case "completed":
                    return;
                case "failed" or "cancelled":
                    throw new SandboxException("QEMU could not save or load the machine");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _descriptor.Dispose();
    }

    private async Task<JsonDocument> ReadAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                var end = _received.AsSpan(0, _length).IndexOf((byte)'\n');
                if (end >= 0)
                {
                    var document = JsonDocument.Parse(_received.AsMemory(0, end).ToArray());
                    _received.AsSpan(end + 1, _length - end - 1).CopyTo(_received);
                    _length -= end + 1;
                    return document;
                }

                var count = await _socket.ReceiveAsync(_received.AsMemory(_length), SocketFlags.None, cancel);
                if (count == 0)
                    throw new SandboxException(_length == MostBytes ? "QEMU does not stop talking" : "QEMU has ended");
                _length += count;
            }
        }
        catch (Exception failure) when (failure is SocketException or JsonException or InvalidOperationException)
        {
            throw new SandboxException($"QEMU's monitor failed: {failure.Message}", failure);
        }
    }
}
