using Porthole.Bench.Terminals;

namespace Porthole.Bench.Peers;

/// <summary>
/// OpenSSH on loopback: a server of our own with a throw-away configuration and host key, and the real <c>ssh -tt</c> through
/// pipes. The machine's own server, keys and logs are not touched.
/// </summary>
internal sealed class OpenSshPeer : Peer
{
    private readonly int _port = LoopbackPort.Free();
    private string? _daemon, _client, _keygen;
    private string _directory = "";
    private Child? _server;

    public override string Name => "openssh";

    public override string Description =>
        $"{Path.GetFileName(_daemon)} and ssh -tt, {FileVersion()}, default ciphers, 127.0.0.1, one connection a shell";

    public override IReadOnlySet<string> ServerProcesses { get; } = new HashSet<string> { "sshd", "sshd-session" };

    public override string? Missing()
    {
        _daemon = FindProgram("sshd");
        _client = FindProgram("ssh");
        _keygen = FindProgram("ssh-keygen");
        return _daemon is null || _client is null || _keygen is null ? "openssh-server and openssh-client are not installed" : null;
    }

    public override void Start(string workDirectory)
    {
        _directory = Path.Combine(workDirectory, "openssh");
        Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var keygenLog = In("keygen.log");
        foreach (var key in new[] { "host_key", "user_key" })
            Child.Run(keygenLog, _keygen!, "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", In(key));
        File.Copy(In("user_key.pub"), In("authorized_keys"));
        File.WriteAllText(In("known_hosts"), $"[127.0.0.1]:{_port} {File.ReadAllText(In("host_key.pub"))}");
        File.WriteAllText(In("sshd_config"), $"""
            Port {_port}
            ListenAddress 127.0.0.1
            HostKey {In("host_key")}
            AuthorizedKeysFile {In("authorized_keys")}
            PubkeyAuthentication yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            UsePAM no
            StrictModes no
            PidFile none
            PrintMotd no
            PrintLastLog no
            UseDNS no
            MaxStartups 200
            LogLevel ERROR
            SetEnv HOME={Child.Home}

            """);
        var log = In("sshd.log");
        _server = Child.Server(log, null, ServerCommand());
        WaitUntilListening(_server, _port, log);
    }

    public override Terminal Open(int session, int shell) => new ProgramTerminal(Child.WithPipes(
        In("ssh.log"), _client!, "-F", "none", "-tt", "-e", "none", "-p", $"{_port}", "-i", In("user_key"),
        "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR",
        "-o", $"UserKnownHostsFile={In("known_hosts")}", "-o", "GlobalKnownHostsFile=none",
        // OpenSSH 9.5 and later would send keystrokes at 20 ms intervals only.
        "-o", "IgnoreUnknown=ObscureKeystrokeTiming", "-o", "ObscureKeystrokeTiming=no",
        $"{Environment.UserName}@127.0.0.1"));

    public override void Stop() => StopServer(_server, TimeSpan.FromSeconds(5));

    /// <summary>
    /// As root in mount points of its own: it then finds the /run/sshd that it insists on and writes no login record of ours
    /// into the machine's /var/log and /run.
    /// </summary>
    private string[] ServerCommand()
    {
        string[] server = [_daemon!, "-D", "-e", "-f", In("sshd_config")];
        const string PrivateMounts = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && mount -t tmpfs none /var/log && exec \"$@\"";
        return Native.EffectiveUser() == 0
            ? ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", PrivateMounts, "sh", .. server]
            : server;
    }

    private string FileVersion()
    {
        var log = In("version.log");
        Child.Run(log, _client!, "-V"); // says it on standard error
        return File.ReadAllText(log).Trim().Split(',')[0];
    }

    private string In(string name) => Path.Combine(_directory, name);
}
