using Porthole.Bench.Terminals;

namespace Porthole.Bench.Peers;

/// <summary>A bare sandbox around a shell on the driver's own terminal: what isolation alone costs at the start.</summary>
internal sealed class BubblewrapPeer : Peer
{
    private string? _program;
    private string _etc = "";

    public override string Name => "bwrap";

    public override string Description => "a bare bubblewrap (all namespaces, the host's /usr read-only, an unprivileged user id) with a login bash on a raw PTY; start only";

    public override bool CarriesShells => false;

    public override string? Missing() => (_program = FindProgram("bwrap")) is null ? "bubblewrap is not installed" : null;

    public override void Start(string workDirectory)
    {
        _etc = Path.Combine(workDirectory, "etc");
        Directory.CreateDirectory(_etc);
        File.WriteAllText(Path.Combine(_etc, "passwd"), "root:x:0:0:root:/root:/bin/bash\n");
        File.WriteAllText(Path.Combine(_etc, "group"), "root:x:0:\n");
    }

    public override Terminal Open(int session, int shell)
    {
        string[] sandbox =
        [
            _program!, "--unshare-all", "--die-with-parent", "--uid", "0", "--gid", "0", "--hostname", "sandbox",
            "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin",
            "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
            "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/root",
            "--ro-bind", _etc, "/etc", "--setenv", "HOME", "/root", "--chdir", "/", "/bin/bash", "-l",
        ];
        // Bubblewrap run by root would be root outside too (and read /etc/shadow), so nobody compares with that.
        string[] drop = Native.EffectiveUser() == 0
            ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            : [];
        return new ProgramTerminal(Child.OnTerminal([.. drop, .. sandbox]));
    }
}
