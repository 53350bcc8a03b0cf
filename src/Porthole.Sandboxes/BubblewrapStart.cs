using System.Text;
using System.Text.Json;
using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>Starts porthole-launch, which prepares and becomes bubblewrap, and finds the first process inside.</summary>
internal sealed class BubblewrapStart(EventLoop loop, SandboxOptions options)
{
    /// <summary>Starts both.</summary>
    /// <param name="id">The sandbox's id, by which its processes can be found.</param>
    /// <param name="plan">What the launcher does; ends with bubblewrap, which reads its options from <see cref="SandboxDescriptors.Arguments"/>.</param>
    /// <param name="bubblewrapArguments">Those options.</param>
    /// <param name="link">Becomes <see cref="SandboxDescriptors.Link"/> inside.</param>
    /// <param name="filter">A seccomp filter, or nothing.</param>
    /// <param name="others">Descriptors that the program inside gets as well, from <see cref="SandboxDescriptors.Others"/> on.</param>
    /// <exception cref="SandboxException">They did not come up; none of them is left.</exception>
    public async Task<(WatchedProcess Outer, WatchedProcess Inner, BoundedLog Log)> RunAsync(
        string id, LaunchPlan plan, IEnumerable<string> bubblewrapArguments, Descriptor link, byte[] filter, params IReadOnlyList<int> others)
    {
        var log = BoundedLog.Create();
        var (infoReader, infoWriter) = Descriptor.Pipe();
        var (lifetimeReader, lifetimeWriter) = Descriptor.Pipe();
        WatchedProcess outer;
        using (var arguments = Filled(Encoding.UTF8.GetBytes(string.Concat(bubblewrapArguments.Select(word => word + '\0')))))
        using (var filterReader = Filled(filter))
        using (infoWriter)
        using (lifetimeReader)
        using (lifetimeWriter)
        {
            var pid = new ProcessStart
            {
                Path = options.LaunchPath,
                Arguments = plan.Arguments,
                Environment = [$"{ProcessTable.MarkerVariable}={id}"],
                Directory = "/",
                Descriptors =
                [
                    -1, log.Descriptor.Number, log.Descriptor.Number,
                    link.Number, arguments.Number, infoWriter.Number, lifetimeWriter.Number, filterReader.Number, .. others,
                ],
            }.Start();
            outer = WatchedProcess.TryWatch(loop, pid) ?? throw new SandboxException("the launcher vanished: is another part of this process waiting for children?");
        }

        // Ends when bubblewrap has written all, or when whoever should have has ended.
        var info = await PipeReader.ReadToEndAsync(loop, infoReader);
        if (info.Length > 0 && WatchedProcess.TryWatch(loop, ChildPid(info)) is { } inner)
            return (outer, inner, log);
        outer.Kill();
        var ended = await outer.Ended;
        var printed = log.Tail();
        log.Dispose();
        throw new SandboxException($"the sandbox did not start: its first process {ended}: {printed}");
    }

    // A pipe holds 64 KB without a reader: several times what we put into one.
    private static unsafe Descriptor Filled(byte[] bytes)
    {
        var (reader, writer) = Descriptor.Pipe();
        using (writer)
        {
            fixed (byte* pointer = bytes)
            {
                if (Libc.Write(writer.Number, pointer, (nuint)bytes.Length) != bytes.Length)
                    throw PosixException.FromLast("pass bubblewrap its options");
            }
        }

        return reader;
    }

    private static int ChildPid(string info)
    {
        using var document = JsonDocument.Parse(info);
        return document.RootElement.GetProperty("child-pid").GetInt32();
    }
}
