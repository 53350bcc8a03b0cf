using System.Text.Json;
using Porthole.Bench.Terminals;

namespace Porthole.Bench.Peers;

/// <summary>The usual web-terminal stack: node-pty behind ws, in one Node process (bench/peers/node-pty).</summary>
/// <param name="directory">Where its packages are installed.</param>
internal sealed class NodePtyPeer(string directory) : Peer
{
    private static readonly WebSocketTerminal.Channels s_channels = new(null, null, null);

    private readonly int _port = LoopbackPort.Free();
    private string? _node;
    private Child? _server;
    private string _log = "";

    public override string Name => "node-pty";

    public override string Description =>
        $"node-pty {Version("node-pty")} + ws {Version("ws")} on Node {Child.Run(_log, _node!, "--version").Trim()}, 127.0.0.1, one process for all shells";

    // Newer versions name their first thread, and with it the process, MainThread.
    public override IReadOnlySet<string> ServerProcesses { get; } = new HashSet<string> { "node", "MainThread", "node-MainThread" };

    public override string? Missing()
    {
        _node = FindProgram("node");
        return _node is null ? "Node.js is not installed"
            : !File.Exists(Path.Combine(directory, "node_modules/ws/package.json")) ? $"its packages are not installed in {directory}"
            : null;
    }

    public override void Start(string workDirectory)
    {
        _log = Path.Combine(workDirectory, "node-pty.log");
        _server = Child.Server(_log, null, _node!, Path.Combine(directory, "server.js"), $"{_port}");
        WaitUntilListening(_server, _port, _log);
    }

    public override Terminal Open(int session, int shell) => LoopbackHttp.Upgrade(_port, "/", "", s_channels);

    public override void Stop() => StopServer(_server, TimeSpan.FromSeconds(2));

    private string Version(string package)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "node_modules", package, "package.json")));
        return json.RootElement.GetProperty("version").GetString()!;
    }
}
