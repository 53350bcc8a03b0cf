using System.Collections.Concurrent;
using System.Reflection;
using Porthole.Posix;

namespace Porthole.Sandboxes.Tests;

/// <summary>A driver in a directory of its own, with a stand-in for the guest; ends what it started.</summary>
internal sealed class TestDriver : IAsyncDisposable
{
    public static readonly SandboxLimits SmallLimits = new(Cpus: 1, MemoryBytes: 256 << 20, Processes: 64, DiskBytes: 64 << 20);

    private readonly List<Sandbox> _sandboxes = [];
    private int _sessions;
    private bool _abandoned;

    // The most careful of servers: nothing that sessions need may come to depend on its umask.
    static TestDriver() => _ = Libc.UMask(0x3F);

    private TestDriver(string directory, SandboxDriver driver, ConcurrentQueue<string> warnings) => (Root, Driver, Warnings) = (directory, driver, warnings);

    public const string ProgramsVariable = "PORTHOLE_TEST_PROGRAMS";

    public static string ProgramsDirectory { get; } = Environment.GetEnvironmentVariable(ProgramsVariable)
        ?? typeof(TestDriver).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "ProgramsDirectory").Value!;

    public string Root { get; }

    public SandboxDriver Driver { get; }

    /// <summary>What the drivers of this directory warned of.</summary>
    public ConcurrentQueue<string> Warnings { get; }

    public static SandboxOptions Options(string root) => new()
    {
        CacheDirectory = Path.Combine(root, "cache"),
        LaunchPath = Path.Combine(ProgramsDirectory, "porthole-launch"),
        GuestPath = Path.Combine(AppContext.BaseDirectory, "guest.pl"),
    };

    public static async Task<TestDriver> CreateAsync(Func<SandboxOptions, SandboxOptions>? change = null)
    {
        var root = Directory.CreateTempSubdirectory("porthole-sandboxes-").FullName;
        var warnings = new ConcurrentQueue<string>();
        var options = Options(root) with { Warn = warnings.Enqueue };
        return new TestDriver(root, await SandboxDriver.CreateAsync(change is null ? options : change(options)).InTime(), warnings);
    }

    public SandboxSpec NewSpec() => new()
    {
        Directory = Path.Combine(Root, "sessions", $"session-{Interlocked.Increment(ref _sessions)}"),
        HostName = $"session-{_sessions}",
        Limits = SmallLimits,
    };

    public async Task<Sandbox> StartAsync(SandboxSpec? spec = null)
    {
        var sandbox = await Driver.StartAsync(spec ?? NewSpec()).InTime();
        lock (_sandboxes)
            _sandboxes.Add(sandbox);
        return sandbox;
    }

    /// <summary>The server dies: nobody watches the sandboxes any more.</summary>
    public void Abandon()
    {
        _abandoned = true;
        Driver.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (_abandoned)
        {
            using var next = await SandboxDriver.CreateAsync(Options(Root)).InTime();
            foreach (var left in Directory.EnumerateDirectories(Path.Combine(Root, "sessions")))
            {
                if ((await next.AdoptAsync(left).InTime()).Sandbox is { } sandbox)
                    await sandbox.KillAsync().InTime();
            }
        }
        else
        {
            foreach (var sandbox in _sandboxes)
                await sandbox.KillAsync().InTime();
            Driver.Dispose();
        }

        Directory.Delete(Root, recursive: true);
    }
}
