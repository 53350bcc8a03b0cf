using System.Globalization;
using System.Text.Json;
using Porthole.Bench.Terminals;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Bench.Peers;

/// <summary>
/// Porthole as a user runs it: <c>porthole serve</c> with a data directory of its own, real sandboxes, and signed upgrades.
/// Each measurement has fresh sessions and stops them.
/// </summary>
/// <param name="program">The porthole command.</param>
internal class PortholePeer(string program) : Peer
{
    public const string GatewayProcess = "porthole";
    public const string GuestProcess = "guest"; // the name of its file inside a sandbox
    public const string MachineProcess = "qemu-system-x86";

    // Sent when the shell is confirmed, as interactive clients do; output is held back for 100 ms for a client that says nothing.
    private static readonly byte[] s_size = [ShellFrameChannel.Resize, .. """{"width":80,"height":24}"""u8];

    private static readonly WebSocketTerminal.Channels s_channels =
        new(ShellFrameChannel.Stdin, ShellFrameChannel.Stdout, [ShellFrameChannel.Close], s_size);

    private readonly int _port = LoopbackPort.Free();
    private readonly Dictionary<int, string> _sessions = [];
    private string _work = "", _data = "", _log = "", _runtime = "";
    private SigV4Signer? _signer;
    private Child? _server;

    public override string Name => "porthole";

    public override string Description => "porthole serve, namespace isolation, signed upgrades, 127.0.0.1, one sandbox a session";

    public override IReadOnlySet<string> ServerProcesses { get; } =
        new HashSet<string> { GatewayProcess, GuestProcess, "porthole-launch", "bwrap", "slirp4netns", MachineProcess };

    /// <summary>What stands between its sessions and the host.</summary>
    protected virtual string Isolation => "namespace";

    /// <summary>JSON members of its configuration, each with a comma in front.</summary>
    protected virtual string Settings => "";

    /// <summary>Where the server keeps machines that wait for sessions.</summary>
    protected string MachinesDirectory => Path.Combine(_data, "cache", "machines");

    public override string? Missing() => File.Exists(program) ? null : $"{program} is not built";

    public override void Start(string workDirectory)
    {
        _work = workDirectory;
        _data = Path.Combine(workDirectory, Name);
        _log = Path.Combine(workDirectory, $"{Name}.log");

        // Echo back to back is thousands of frames a second; the limit of 250 is for people (contract section 6).
        var config = Path.Combine(workDirectory, $"{Name}.json");
        File.WriteAllText(config, $$$"""{"shells":{"maxFramesPerWindow":1000000}{{{Settings}}}}""");
        _server = Child.Server(
            _log, null, program, "serve", "--data-dir", _data, "--listen", $"http://127.0.0.1:{_port}", "--isolation", Isolation, "--config", config);
        WaitUntilListening(_server, _port, _log);
        var health = LoopbackHttp.Send(_port, "GET", "/healthz");
        if (!health.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
            throw new BenchException($"porthole is not ready: {health}");

        using var json = JsonDocument.Parse(Child.Run(_log, program, "env", "--data-dir", _data, "--format", "json"));
        var variables = json.RootElement.EnumerateObject().ToDictionary(v => v.Name, v => v.Value.GetString()!, StringComparer.Ordinal);
        _runtime = PercentEncoding.Encode(variables["PORTHOLE_RUNTIME_ARN"]);
        _signer = new SigV4Signer(Credentials(variables), variables["AWS_REGION"]);
    }

    public override Terminal Open(int session, int shell)
    {
        if (!_sessions.TryGetValue(session, out var id))
            _sessions[session] = id = SessionId.NewId();
        var target = string.Create(CultureInfo.InvariantCulture, $"/runtimes/{_runtime}/ws/shells?qualifier=DEFAULT&shellId=shell-{shell}");
        var deadline = Clock.Now + 10 * Clock.Second;
        while (true)
        {
            try
            {
                return LoopbackHttp.Upgrade(_port, target, Signed("GET", target, id), s_channels);
            }
            catch (BenchException e) when (e.Message.Contains("RetryableConflictException", StringComparison.Ordinal) && Clock.Now < deadline)
            {
                // The session is still starting for an earlier shell: a client tries again.
                Native.SleepUntil(Clock.Now + 10 * Clock.Millisecond);
            }
        }
    }

    /// <summary>Ends the server with all its sessions and starts it anew.</summary>
    public void Restart()
    {
        Stop();
        _sessions.Clear();
        Start(_work);
    }

    public override void CollectGarbage() => GarbageCollection.Force(_server!.Pid);

    public override void EndSession(int session)
    {
        if (!_sessions.Remove(session, out var id))
            return;
        var target = $"/runtimes/{_runtime}/stopruntimesession?qualifier=DEFAULT";
        var answer = LoopbackHttp.Send(_port, "POST", target, Signed("POST", target, id));
        if (!answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
            throw new BenchException($"the session could not be stopped: {answer}");
    }

    public override void Stop()
    {
        // Sandboxes outlive their server, so it has to be told to take them along.
        if (_server is { Running: true })
            Child.Run(_log, program, "stop", "--data-dir", _data, "--all");
        StopServer(_server, TimeSpan.FromSeconds(10));
    }

    private string Signed(string method, string target, string session)
    {
        if (!RequestTarget.TryParse(target, out var parsed))
            throw new BenchException($"{target} is no request target");
        var identity = new KeyValuePair<string, string>(SessionId.HeaderName, session);
        var request = new SigV4Request(method, parsed, [new("Host", $"127.0.0.1:{_port}"), identity]);
        var added = _signer!.SignHeaders(request, SigV4.EmptySha256, DateTimeOffset.UtcNow);
        return string.Concat(added.Prepend(identity).Select(header => $"{header.Key}: {header.Value}\r\n"));
    }

    private static SigV4Credentials Credentials(Dictionary<string, string> variables)
    {
        if (variables.TryGetValue("AWS_ACCESS_KEY_ID", out var id))
            return new(id, variables["AWS_SECRET_ACCESS_KEY"]);
        var settings = File.ReadLines(variables["AWS_SHARED_CREDENTIALS_FILE"]).Select(line => line.Split('=', 2)).Where(parts => parts.Length == 2)
            .ToLookup(parts => parts[0].Trim(), parts => parts[1].Trim());
        return new(settings["aws_access_key_id"].First(), settings["aws_secret_access_key"].First());
    }
}
