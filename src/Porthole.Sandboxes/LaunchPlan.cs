using System.Globalization;

namespace Porthole.Sandboxes;

/// <summary>The steps that porthole-launch takes, in their order; see Porthole.Launch/Steps.cs.</summary>
internal sealed class LaunchPlan
{
    private readonly List<string> _words = ["porthole-launch"];

    /// <summary>The command line of the launcher.</summary>
    public IReadOnlyList<string> Arguments => _words;

    public LaunchPlan JoinCgroup(string directory) => Add("cgroup", directory);

    /// <summary>How gladly the kernel kills this process when the host is out of memory, 0 to 1000.</summary>
    public LaunchPlan OutOfMemoryScore(int score) => Add("oom", Number(score));

    public LaunchPlan Limit(string name, long value) => Add("limit", name, Number(value));

    public LaunchPlan PrivateMounts() => Add("private-mounts");

    public LaunchPlan Tmpfs(string directory) => Add("tmpfs", directory);

    public LaunchPlan MoveMount(string source, string target) => Add("move-mount", source, target);

    public LaunchPlan MountImage(string image, string directory) => Add("image", image, directory);

    public LaunchPlan Bind(string source, string target) => Add("bind", source, target);

    public LaunchPlan BindReadOnly(string source, string target) => Add("bind-read-only", source, target);

    /// <summary>Makes a user namespace in which the ids from 0 on are those from <paramref name="first"/> on outside, at a descriptor that exists.</summary>
    public LaunchPlan MapIds(string unshare, uint first, uint count, int descriptor) => Add("map-ids", unshare, Number(first), Number(count), Number(descriptor));

    public LaunchPlan Close(int descriptor) => Add("close", Number(descriptor));

    /// <summary>Shows a directory whose files belong, for those who look there, to the ids that <see cref="MapIds"/> gave.</summary>
    public LaunchPlan BindMapped(string source, string target, bool readOnly) => Add(readOnly ? "bind-mapped-read-only" : "bind-mapped", source, target);

    /// <summary>Lays a writable layer over a directory, all of them below <paramref name="place"/>; see Porthole.Launch/Overlay.cs for the names.</summary>
    public LaunchPlan Overlay(string place, string layer, bool inUserNamespace) => Add("overlay", place, layer, inUserNamespace ? "userxattr" : "");

    public LaunchPlan InnerDirectory(string root, string path, uint owner) => Add("inner-directory", root, path, Number(owner));

    public LaunchPlan InnerFile(string root, string path, string text, uint owner) => Add("inner-file", root, path, text, Number(owner));

    public LaunchPlan CopyImage(string source, string target) => Add("copy-image", source, target);

    public LaunchPlan Device(string path, int major, int minor) => Add("device", path, Number(major), Number(minor));

    public LaunchPlan BecomeRoot(string mount) => Add("root", mount);

    public LaunchPlan Unreachable(string network) => Add("unreachable", network);

    public LaunchPlan EnterNetwork(int descriptor) => Add("enter-network", Number(descriptor));

    public LaunchPlan LeaveNetwork() => Add("leave-network");

    public LaunchPlan GiveTree(string directory, uint user) => Add("own-tree", directory, Number(user));

    public LaunchPlan MakeOwnDirectory(string directory, uint user) => Add("own", directory, Number(user));

    public LaunchPlan BecomeUser(uint user) => Add("user", Number(user));

    public LaunchPlan CopyTree(string source, string target) => Add("copy", source, target);

    public LaunchPlan WriteFile(string path, string text) => Add("write", path, text);

    /// <summary>Becomes the launcher once more, with mounts and a user namespace of its own in which this user is root, and takes these steps there.</summary>
    public LaunchPlan ExecAgain(string unshare, string launcher, LaunchPlan inside) =>
        Add("exec", unshare, "--user", "--map-root-user", "--mount", "--", launcher).Add([.. inside._words.Skip(1)]);

    public LaunchPlan Exec(params ReadOnlySpan<string> command)
    {
        _words.Add("exec");
        _words.AddRange(command);
        return this;
    }

    private static string Number(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private LaunchPlan Add(params ReadOnlySpan<string> words)
    {
        _words.AddRange(words);
        return this;
    }
}
