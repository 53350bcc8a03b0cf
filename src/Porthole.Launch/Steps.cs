using System.Globalization;
using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>
/// What the launcher can do, each by its word on the command line. The server writes the order,
/// so that the whole preparation of a sandbox reads as one story there, and nothing is decided here.
/// </summary>
internal static class Steps
{
    private delegate void Step(ReadOnlySpan<string> arguments);

    /// <summary>Runs all steps; returns only by an exception, because the last one is exec.</summary>
    /// <exception cref="ArgumentException">A step is unknown or lacks arguments.</exception>
    /// <exception cref="IOException">A step failed; the message names it.</exception>
    public static void Run(ReadOnlySpan<string> words)
    {
        while (words.Length > 0)
        {
            var (count, step) = Find(words[0]);
            if (words.Length <= count)
                throw new ArgumentException($"{words[0]} takes {count} arguments");
            if (words[0] == "exec")
                count = words.Length - 1;
            step(words.Slice(1, count));
            words = words[(count + 1)..];
        }

        throw new ArgumentException("the last step must be exec");
    }

    private static (int Arguments, Step Run) Find(string word) => word switch
    {
        "cgroup" => (1, arguments => Cgroup.Join(arguments[0])),
        "oom" => (1, arguments => File.WriteAllText("/proc/self/oom_score_adj", arguments[0])),
        "limit" => (2, arguments => Limits.Set(arguments[0], Number(arguments[1]))),
        "private-mounts" => (0, _ => PrivateMounts.Unshare()),
        "tmpfs" => (1, arguments => PrivateMounts.Tmpfs(arguments[0])),
        "move-mount" => (2, arguments => PrivateMounts.Move(arguments[0], arguments[1])),
        "image" => (2, arguments => LoopImage.Mount(arguments[0], arguments[1])),
        "bind" => (2, arguments => PrivateMounts.Bind(arguments[0], arguments[1], readOnly: false)),
        "bind-read-only" => (2, arguments => PrivateMounts.Bind(arguments[0], arguments[1], readOnly: true)),
        "map-ids" => (4, arguments => MappedIds.Make(arguments[0], (uint)Number(arguments[1]), (uint)Number(arguments[2]), (int)Number(arguments[3]))),
        "close" => (1, arguments => new Descriptor((int)Number(arguments[0])).Dispose()),
        "bind-mapped" => (2, arguments => MappedIds.Bind(arguments[0], arguments[1], readOnly: false)),
        "bind-mapped-read-only" => (2, arguments => MappedIds.Bind(arguments[0], arguments[1], readOnly: true)),
        "overlay" => (3, arguments => Overlay.Mount(arguments[0], arguments[1], arguments[2])),
        "inner-directory" => (3, arguments => InnerFiles.Directory(arguments[0], arguments[1], (uint)Number(arguments[2]))),
        "inner-file" => (4, arguments => InnerFiles.Write(arguments[0], arguments[1], arguments[2], (uint)Number(arguments[3]))),
        "device" => (3, arguments => PrivateMounts.Device(arguments[0], (uint)Number(arguments[1]), (uint)Number(arguments[2]))),
        "root" => (1, arguments => PrivateMounts.BecomeRoot(arguments[0])),
        "unreachable" => (1, arguments => Routes.AddUnreachable(arguments[0])),
        "enter-network" => (1, arguments => NetworkNamespace.Enter((int)Number(arguments[0]))),
        "leave-network" => (0, _ => NetworkNamespace.Leave()),
        "own" => (2, arguments => Files.Own(arguments[0], (uint)Number(arguments[1]))),
        "own-tree" => (2, arguments => Files.OwnTree(arguments[0], (uint)Number(arguments[1]))),
        "user" => (1, arguments => Credentials.Become((uint)Number(arguments[0]))),
        "copy-image" => (2, arguments => ImageCopy.Make(arguments[0], arguments[1])),
        "copy" => (2, arguments => Files.CopyTree(arguments[0], arguments[1])),
        "write" => (2, arguments => File.WriteAllText(arguments[0], arguments[1])),
        "exec" => (1, Credentials.Exec),
        _ => throw new ArgumentException($"unknown step {word}"),
    };

    private static ulong Number(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new ArgumentException($"{text} is not a number");
}
