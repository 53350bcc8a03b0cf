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
