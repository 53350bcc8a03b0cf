using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>The way to a guest that listens on a unix socket in the session's directory.</summary>
internal sealed class SocketLink(string directory) : IGuestLink
{
    private string _directory = directory;

    // A full backlog means that the guest is busy accepting; there is no event for room in it.
    private static readonly TimeSpan BacklogRetry = TimeSpan.FromMilliseconds(5);

    /// <inheritdoc/>
    public async ValueTask<Descriptor> ConnectAsync(CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                if (UnixSocket.TryConnect(_directory, Sandbox.LinkName) is { } lane)
                    return lane;
            }
            catch (PosixException failure)
            {
                throw new SandboxException($"the sandbox of {_directory} has ended", failure);
            }

            await Task.Delay(BacklogRetry, cancel);
        }
    }

    /// <inheritdoc/>
    public void MovedTo(string directory) => _directory = directory;

    /// <inheritdoc/>
    public void Dispose()
    {
        // Each lane belongs to whoever opened it.
    }
}
