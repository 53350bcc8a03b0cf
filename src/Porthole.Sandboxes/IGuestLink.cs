using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>The way to the guest of one sandbox.</summary>
internal interface IGuestLink : IDisposable
{
    /// <summary>Opens one more lane.</summary>
    /// <returns>A non-blocking descriptor that belongs to the caller.</returns>
    /// <exception cref="SandboxException">The sandbox has ended.</exception>
    /// <exception cref="OperationCanceledException">The guest accepted nothing for as long as the caller wanted to wait.</exception>
    ValueTask<Descriptor> ConnectAsync(CancellationToken cancel);

    /// <summary>The directory of the sandbox has another name now.</summary>
    void MovedTo(string directory);
}
