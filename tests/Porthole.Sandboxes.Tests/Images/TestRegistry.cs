using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>A registry of Debian's package docker-registry on loopback, without TLS.</summary>
internal sealed class TestRegistry : IAsyncDisposable
{
    private readonly string _directory;
    private readonly string _settings;
    private Process? _process;

    private TestRegistry(string directory, string settings)
    {
        (_directory, Port) = (directory, FreePort());
        _settings = $"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {directory}/data\nhttp:\n  addr: 127.0.0.1:{Port}\n{settings}";
    }

    public int Port { get; }

    public string Host => $"127.0.0.1:{Port}";

    /// <summary>Starts one; the settings are added to its configuration file.</summary>
    public static async Task<TestRegistry> StartAsync(string directory, string settings = "")
    {
        var registry = new TestRegistry(System.IO.Directory.CreateDirectory(directory).FullName, settings);
        await registry.StartAsync();
        return registry;
    }

    public async Task StartAsync()
    {
        var file = Path.Combine(_directory, "registry.yml");
        await File.WriteAllTextAsync(file, _settings, TestContext.Current.CancellationToken);
        _process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", file]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.HoldsAsync(CanConnect, "the registry listens");
    }

    public async Task StopAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).InTime();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Pushes an image; gives the name to pull it by.</summary>
    public async Task<string> PushAsync(TestImage image, string name, params string[] options)
    {
        var layout = Path.Combine(_directory, $"pushed-{Guid.NewGuid():N}");
        image.Write(layout);
        await RunAsync("skopeo", ["copy", "--insecure-policy", "--dest-tls-verify=false", .. options, $"oci:{layout}:test", $"docker://{Host}/{name}"]);
        return $"{Host}/{name}";
    }

    /// <summary>The file in which the registry keeps a blob.</summary>
    public string Blob(string hex) => Path.Combine(_directory, "data/docker/registry/v2/blobs/sha256", hex[..2], hex, "data");

    public static async Task RunAsync(string program, IReadOnlyList<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken).InTime();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).InTime();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} failed: {await output}{errors}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await StopAsync();
    }

    private bool CanConnect()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            Assert.False(_process!.HasExited, "the registry ended at once");
            return false;
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
