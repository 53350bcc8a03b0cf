using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Porthole.Posix;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>
/// A real <c>porthole serve</c> with a data directory and a port of its own. Disposing it ends every sandbox and fails
/// when a process, a mount or a file is left.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    // Sessions of tests are small: many of them run beside each other.
    private const string SmallSandbox = """{ "cpus": 1, "memoryBytes": 536870912, "processes": 256, "diskBytes": 134217728 }""";

    private readonly HashSet<string> _sandboxIds = [];
    private readonly ITestOutputHelper? _report = TestContext.Current.TestOutputHelper;
    private readonly IReadOnlyDictionary<string, string>? _environment;
    private readonly string _program;
    private readonly IReadOnlyList<string> _moreListen;
    private Process? _process;
    private Task _following = Task.CompletedTask;

    private TestServer(string root, string scheme, IReadOnlyList<string> moreListen, IReadOnlyDictionary<string, string>? environment, string program)
    {
        (Root, Port, _moreListen, _environment, _program) = (root, FreePort(), moreListen, environment, program);
        Url = new Uri($"{scheme}://127.0.0.1:{Port}");
    }

    /// <summary>The test's directory; the data directory is in it.</summary>
    public string Root { get; }

    public string DataDirectory => Path.Combine(Root, "data");

    public int Port { get; }

    public IPEndPoint EndPoint => new(IPAddress.Loopback, Port);

    public Uri Url { get; }

    public bool SpeaksTls => Url.Scheme == Uri.UriSchemeHttps;

    /// <summary>The certificate of the server's own authority.</summary>
    public string AuthorityPath => Path.Combine(DataDirectory, "tls", "ca.pem");

    /// <summary>How clients speak TLS with it: they trust its own authority and no other.</summary>
    public SslClientAuthenticationOptions TlsOptions
    {
        get
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(AuthorityPath);
            return new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", CertificateChainPolicy = policy };
        }
    }

    /// <summary>A client for its address, with the usual patience.</summary>
    public HttpClient NewHttpClient() => new(new SocketsHttpHandler { SslOptions = SpeaksTls ? TlsOptions : new() }) { Timeout = Patience.Limit };

    public ProcessLog Log { get; } = new();

    public int ProcessId => _process!.Id;

    /// <summary>Memory of the server that is resident, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64;
        }
    }

    public string RuntimeArn { get; private set; } = "";

    public string Region { get; private set; } = "";

    public SigV4Credentials Credentials { get; private set; } = new("", "");

    /// <summary>Starts a server and waits until it is ready.</summary>
    /// <param name="settings">JSON members of its configuration file.</param>
    /// <param name="environment">Variables to set for it.</param>
    /// <param name="root">An empty directory for all it writes; it goes with the server.</param>
    /// <param name="program">The program to run, when it is not the built one itself.</param>
    /// <param name="scheme">http or https; if not given, what the run as a whole is about (<c>PORTHOLE_TEST_SCHEME</c>), or http.</param>
    /// <param name="moreListen">Addresses to listen on beside the usual one.</param>
    public static async Task<TestServer> StartAsync(
        string settings = "", IReadOnlyDictionary<string, string>? environment = null, string? root = null, string? program = null, string? scheme = null,
        params IReadOnlyList<string> moreListen)
    {
        scheme ??= Environment.GetEnvironmentVariable("PORTHOLE_TEST_SCHEME") ?? Uri.UriSchemeHttp;
        root ??= Directory.CreateTempSubdirectory("porthole-e2e-").FullName;
        settings = MicroVms.Apply(settings);
        var sandbox = settings.Contains("\"sandbox\"", StringComparison.Ordinal) ? "" : $"\"sandbox\": {SmallSandbox}, ";

        // What tests put together lies beside the data directory.
        var allowed = settings.Contains("\"allowedPaths\"", StringComparison.Ordinal) ? "" : $"\"allowedPaths\": [\"{root}\"], ";
        await File.WriteAllTextAsync(Path.Combine(root, "porthole.json"), $"{{ {sandbox}{allowed}{settings} }}");
        var server = new TestServer(root, scheme, moreListen, environment, program ?? PortholeProgram.Path);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A port that nobody listens on, outside the range that the kernel gives to outgoing connections.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(15_000, 32_000);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
            }
        }
    }

    /// <summary>Starts the server again on the same directory and port.</summary>
    public async Task StartAgainAsync()
    {
        var from = Log.Text.Length;
        _process = PortholeProgram.StartProgram(_environment, [
            _program, "serve", "--data-dir", DataDirectory, "--config", Path.Combine(Root, "porthole.json"),
            "--listen", Url.ToString(), .. _moreListen.SelectMany(url => new[] { "--listen", url })]);
        _following = Log.FollowAsync(_process.StandardError);
        await Log.WaitForAsync("Ready on ", from);
        using var info = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(DataDirectory, "server.json")));
        RuntimeArn = info.RootElement.GetProperty("defaultRuntimeArn").GetString()!;
        Region = info.RootElement.GetProperty("region").GetString()!;
        ReadCredentials();
    }

    /// <summary>Takes over the access key that the data directory names now.</summary>
    public void ReadCredentials()
    {
        var credentials = File.ReadAllLines(Path.Combine(DataDirectory, "credentials")).Where(line => line.Contains('='))
            .ToDictionary(line => line.Split('=', 2)[0].Trim(), line => line.Split('=', 2)[1].Trim());
        Credentials = new SigV4Credentials(credentials["aws_access_key_id"], credentials["aws_secret_access_key"]);
    }

    /// <summary>Ends the server as <c>kill -9</c> does. Its sandboxes stay.</summary>
    public Task KillAsync() => SignalAsync(Libc.SIGKILL);

    /// <summary>Ends the server in order. Its sandboxes stay.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> TerminateAsync() => SignalAsync(Libc.SIGTERM);

    /// <summary>Runs another command of the program on the server's data directory.</summary>
    public Task<(int ExitCode, string Output, string Errors)> RunAsync(params IEnumerable<string> command) =>
        PortholeProgram.RunAsync(_environment, [.. command, "--data-dir", DataDirectory]);

    /// <summary>Waits until the server, which something else ends, has ended.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ExitAsync()
    {
        await _process!.WaitForExitAsync().InTime();
        await _following.InTime();
        return _process.ExitCode;
    }

    /// <summary>The directory of the only session there is.</summary>
    public string OnlySessionDirectory() => Directory.EnumerateDirectories(Path.Combine(DataDirectory, "sessions")).Single();

    /// <summary>Set by a test that makes the server fail: otherwise an error in its log fails the test.</summary>
    public bool MayFail { get; set; }

    public async ValueTask DisposeAsync()
    {
        NoteSandboxes();
        if (_process is { HasExited: false })
            await ShutDownAsync();
        NoteSandboxes();
        foreach (var id in _sandboxIds)
            Leftovers.Kill(id);
        _report?.WriteLine(Log.Text);
        await Patience.UntilAsync("nothing of the sandboxes to be left", () => Leftovers.Of(DataDirectory, _sandboxIds).Count == 0);
        Directory.Delete(Root, recursive: true);
        var errors = Log.Text.Split('\n').Where(IsError).ToList();
        Assert.True(MayFail || errors.Count == 0, $"errors in the server's log:\n{string.Join('\n', errors)}");
    }

    private static bool IsError(string line) =>
        line.Contains("Z fail: ", StringComparison.Ordinal) || line.Contains("Z crit: ", StringComparison.Ordinal) || line.StartsWith("Unhandled exception", StringComparison.Ordinal);

    private void NoteSandboxes() => _sandboxIds.UnionWith(Leftovers.SandboxIds(DataDirectory));

    // In order where that works, for this is also how an operator ends everything.
    private async Task ShutDownAsync()
    {
        try
        {
            using var api = new ApiClient(this);
            using var answer = await api.PostAsync("/porthole/v1/shutdown", "");
            await ExitAsync();
        }
        catch (Exception failed) when (failed is HttpRequestException or OperationCanceledException or TimeoutException)
        {
            _report?.WriteLine($"the server did not shut down in order: {failed.Message}");
            await KillAsync();
        }
    }

    private Task<int> SignalAsync(int signal)
    {
        NoteSandboxes();
        _ = Libc.Kill(_process!.Id, signal);
        return ExitAsync();
    }
}
