using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>Runs a short program of the host to its end.</summary>
internal static class HostCommand
{
    /// <summary>Runs it without input, in an environment of its own.</summary>
    /// <returns>How it ended, and what it printed to both outputs.</returns>
    /// <exception cref="PosixException">It cannot be started.</exception>
    public static Task<(bool Succeeded, string Output)> RunAsync(EventLoop loop, IReadOnlyList<string> command, CancellationToken cancel) =>
        RunAsync(loop, command, [], cancel);

    /// <summary>The same with descriptors, the first of them as number 3.</summary>
    /// <returns>How it ended, and what it printed to both outputs.</returns>
    /// <exception cref="PosixException">It cannot be started.</exception>
    public static async Task<(bool Succeeded, string Output)> RunAsync(EventLoop loop, IReadOnlyList<string> command, IReadOnlyList<int> descriptors, CancellationToken cancel)
    {
        using var log = BoundedLog.Create();
        var pid = new ProcessStart
        {
            Path = command[0],
            Arguments = command,
            Environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
            Descriptors = [-1, log.Descriptor.Number, log.Descriptor.Number, .. descriptors],
        }.Start();
        var process = WatchedProcess.TryWatch(loop, pid) ?? throw new SandboxException($"{command[0]} vanished: is another part of this process waiting for children?");
        await using var registration = cancel.Register(process.Kill);
        var ended = await process.Ended;
        cancel.ThrowIfCancellationRequested();
        return (ended == WatchedProcess.Success, log.Tail());
    }
}
