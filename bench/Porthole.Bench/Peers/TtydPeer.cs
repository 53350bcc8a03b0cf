using Porthole.Bench.Terminals;

namespace Porthole.Bench.Peers;

/// <summary>ttyd, where the machine has it: one C process on libwebsockets and libuv.</summary>
internal sealed class TtydPeer : Peer
{
    private static readonly WebSocketTerminal.Channels s_channels = new((byte)'0', (byte)'0', null);

    private readonly int _port = LoopbackPort.Free();
    private string? _program;
    private string _version = "";
    private Child? _server;

    public override string Name => "ttyd";

    public override string Description => $"{_version}, 127.0.0.1, one process for all shells";

    public override IReadOnlySet<string> ServerProcesses { get; } = new HashSet<string> { "ttyd" };

    public override string? Missing() => (_program = FindProgram("ttyd")) is null ? "ttyd is not installed (optional; Debian 12 has no package of it)" : null;

    public override void Start(string workDirectory)
    {
        var log = Path.Combine(workDirectory, "ttyd.log");
        _version = Child.Run(log, _program!, "--version").Trim();
        // Since 1.7.4 it takes input only with this option, and older ones do not know it.
        var help = Child.Run(log, "/bin/sh", "-c", "exec \"$0\" --help 2>&1", _program!);
        string[] writable = help.Contains("--writable", StringComparison.Ordinal) ? ["--writable"] : [];
        // A bash that gets SIGHUP (the default) in the very moment of its first prompt can sleep on.
        _server = Child.Server(log, null, [_program!, "--interface", "127.0.0.1", "--port", $"{_port}", .. writable, "--debug", "3", "--signal", "9", "/bin/bash", "-l"]);
        WaitUntilListening(_server, _port, log);
    }

    public override Terminal Open(int session, int shell)
    {
        var terminal = LoopbackHttp.Upgrade(_port, "/ws", "Sec-WebSocket-Protocol: tty\r\n", s_channels);
        terminal.WriteMessage("""{"AuthToken":"","columns":80,"rows":24}"""u8);
        return terminal;
    }

    public override void Stop() => StopServer(_server, TimeSpan.FromSeconds(2));
}
