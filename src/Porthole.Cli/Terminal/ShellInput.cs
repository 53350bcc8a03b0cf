using Porthole.Client;
using Porthole.Posix;

namespace Porthole.Cli.Terminal;

/// <summary>
/// Reads what is typed and sends it, on a thread of its own that blocks in read(2): no poll, no queue and no thread switch between the
/// key and the socket. The thread ends with the input or with the process.
/// </summary>
internal sealed class ShellInput(ShellConnection shell, bool isTerminal, DetachKey? detachKey)
{
    // What the kernel's terminal holds at most; a pasted megabyte comes in pieces of this size.
    private const int ReadBytes = 4096;

    private const byte EndOfTransmission = 0x04;

    /// <summary>Completes when the user has pressed the key that leaves (true) or the terminal has hung up (false); fails when it cannot be read.</summary>
    public Task<bool> Left => _left.Task;

    private readonly TaskCompletionSource<bool> _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Start() => new Thread(Run) { IsBackground = true, Name = "input" }.Start();

    private void Run()
    {
        try
        {
            if (isTerminal) ReadKeys();
            else ReadScript();
        }
        catch (ShellEndedException)
        {
            // The reader says how it ended.
        }
        catch (PosixException e)
        {
            _left.TrySetException(e);
        }
    }

    private void ReadKeys()
    {
        var buffer = new byte[ReadBytes];
        while (true)
        {
            var count = StandardStream.Read(StandardStream.Input, buffer);
            var before = count;
            var leaves = count == 0 || (detachKey is not null && detachKey.Ends(buffer.AsSpan(0, count), out before));
            Send(buffer.AsMemory(0, leaves ? before : count));
            if (!leaves) continue;
            _left.TrySetResult(count > 0);
            return;
        }
    }

    // A script instead of a person: its lines are typed, then the key that ends a shell at its prompt.
    private void ReadScript()
    {
        var buffer = new byte[ReadBytes];
        byte last = (byte)'\n';
        for (var count = StandardStream.Read(StandardStream.Input, buffer); count > 0; count = StandardStream.Read(StandardStream.Input, buffer))
        {
            last = buffer[count - 1];
            Send(buffer.AsMemory(0, count));
        }

        Send(last == '\n' ? new[] { EndOfTransmission } : [(byte)'\n', EndOfTransmission]);
    }

    private void Send(ReadOnlyMemory<byte> typed)
    {
        if (typed.IsEmpty) return;
        var sending = shell.SendAsync(typed);

        // Usually done already. When the queue is full this thread waits, and with it the terminal of whoever pastes.
        if (!sending.IsCompletedSuccessfully) sending.AsTask().GetAwaiter().GetResult();
    }
}
