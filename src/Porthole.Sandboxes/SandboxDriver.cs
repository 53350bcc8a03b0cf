using System.Diagnostics;
using System.Text.RegularExpressions;
using Porthole.Posix;
using Porthole.Sandboxes.Images;
using Porthole.Sandboxes.Machines;

namespace Porthole.Sandboxes;

/// <summary>
/// Starts sandboxes and takes them over, whatever isolates them. As root each gets a user id, a disk and control groups
/// of its own; as an ordinary user those are missing, and <see cref="SandboxOptions.Warn"/> says so.
/// </summary>
/// <remarks>Disposing it ends no sandbox. Thread-safe.</remarks>
public sealed partial class SandboxDriver : IDisposable
{
    // The server survives a host without memory, the sessions' programs do not: half way to "kill this first".
    internal const int OutOfMemoryScore = 500;

    private const long SmallestBytes = 16 << 20;
    private const int FewestProcesses = 16;
    private const double LeastCpus = 0.01;

    private readonly SandboxOptions _options;
    private readonly EventLoop _loop;
    private readonly Cgroups _cgroups;
    private readonly IReadOnlyDictionary<Isolation, IIsolationDriver> _drivers;
    private readonly WarmMachines _warm;
    private readonly UserIds? _userIds;
    private readonly UserModeNetwork? _network;

    private SandboxDriver(SandboxOptions options, EventLoop loop, Cgroups cgroups, IReadOnlyDictionary<Isolation, IIsolationDriver> drivers, UserModeNetwork? network)
    {
        (_options, _loop, _cgroups, _drivers, _network) = (options, loop, cgroups, drivers, network);
        _warm = new WarmMachines(this, MachinesOf(options), options.WarmMicroVms, options.Warn);
        _userIds = Environment.IsPrivilegedProcess ? new UserIds(options.FirstUserId, options.UserIdCount) : null;
    }

    /// <summary>What isolates sandboxes that do not say it themselves.</summary>
    public Isolation Isolation { get; private init; }

    /// <summary>Prepares what all sandboxes share, and warns of what this host cannot do.</summary>
    /// <exception cref="SandboxException">This host cannot run sandboxes at all: the message says what is missing.</exception>
    public static async Task<SandboxDriver> CreateAsync(SandboxOptions options, CancellationToken cancel = default)
    {
        foreach (var program in (string[])[options.LaunchPath, options.GuestPath])
        {
            if (!File.Exists(program))
                throw new SandboxException($"{program} is missing: run make build");
        }

        var bubblewrap = HostTool.Find("bwrap") ?? throw new SandboxException("bubblewrap is missing: install the package bubblewrap");
        var mountPoint = Directory.CreateDirectory(Path.Combine(options.CacheDirectory, "mounts")).FullName;
        var files = SessionFiles.Build(Path.Combine(options.CacheDirectory, "files"));
        var cgroups = new Cgroups(CgroupParent.Detect());
        if (cgroups.Missing.Count > 0)
            options.Warn($"no control group that this server may write limits {string.Join(", ", cgroups.Missing)}: one session can use all that this host has of it");
        var loop = new EventLoop("sandboxes");
        loop.Start();
        try
        {
            var disks = await DiskImages.TryCreateAsync(loop, options, files, mountPoint, cancel);
            var network = UserModeNetwork.TryCreate(loop, options, mountPoint, out var problem);
            if (problem is not null)
                options.Warn($"sessions have no way out to the network: {problem}");
            var start = new BubblewrapStart(loop, options);
            var unshare = HostTool.Find("unshare") ?? throw new SandboxException("unshare is missing: install the package util-linux");
            var unshared = await ImageSharingProbe.ProblemAsync(loop, options, unshare, mountPoint, cancel);
            if (unshared is not null)
                options.Warn($"sessions of images get copies of them, which takes time and disk, and all files in them belong to root ({unshared})");
            var place = new SandboxPlace
            {
                Launcher = options.LaunchPath,
                Guest = options.GuestPath,
                Unshare = unshare,
                Files = files,
                Cgroups = cgroups,
                MountPoint = mountPoint,
                NameServer = network?.NameServer,
                HasDisks = disks is not null,
                ImageSharing = unshared is null ? ImageSharing.Shared : ImageSharing.Copied,
            };
            var launcher = new SandboxLauncher(start, place, bubblewrap);
            var drivers = new Dictionary<Isolation, IIsolationDriver> { [Isolation.Namespace] = new NamespaceDriver(launcher, disks) };
            var programs = new BaseImage(loop, options, options.MachineDirectory, bubblewrap, mountPoint);
            var parts = MachineParts.TryFind(loop, options, programs, out var missing);
            if (parts is not null)
            {
                var machines = new MachineLauncher(start, bubblewrap, mountPoint, network?.NameServer);
                var images = new ImageDisks(loop, options, unshare);
                var saved = new SavedTemplates(Path.Combine(options.CacheDirectory, "templates"));
                drivers[Isolation.MicroVm] = new MicroVmDriver(machines, parts, images, DiskImages.Empty(loop, options.CacheDirectory), saved, MachinesOf(options));
            }

            if (options.Isolation == IsolationChoice.MicroVm && missing is not null)
                options.Warn($"no session can start, since they shall be microVMs: {missing}");
            var driver = new SandboxDriver(options, loop, cgroups, drivers, network)
            {
                Isolation = await ChooseAsync(options.Isolation, parts) ? Isolation.MicroVm : Isolation.Namespace,
            };
            await driver.ClearMachinesAsync();
            return driver;
        }
        catch
        {
            End(loop);
            throw;
        }
    }

    /// <summary>Makes what the first sandbox of an image would have to wait for; without it, that one waits.</summary>
    /// <param name="image">The image.</param>
    /// <param name="isolation">What will stand between its sandboxes and the host; null for the driver's own choice.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="SandboxException">It cannot be made; the message says what to do.</exception>
    public Task PrepareAsync(PreparedImage image, Isolation? isolation, CancellationToken cancel) =>
        _drivers.GetValueOrDefault(isolation ?? Isolation)?.PrepareAsync(image, cancel) ?? Task.CompletedTask;

    /// <summary>Starts a sandbox, and waits until the guest inside has said its first word.</summary>
    /// <exception cref="SandboxException">It could not be started; nothing of it is left. The message says what to do.</exception>
    /// <exception cref="OperationCanceledException">The caller did not want to wait; nothing of it is left.</exception>
    public async Task<Sandbox> StartAsync(SandboxSpec spec, CancellationToken cancel = default)
    {
        Check(spec);
        if ((spec.Isolation ?? Isolation) != Isolation.MicroVm)
            return await StartFreshAsync(spec, cancel);
        var sandbox = _warm.TryTake(spec);
        sandbox?.MoveTo(spec.Directory);
        sandbox ??= await StartFreshAsync(spec, cancel);
        _warm.Refill(spec);
        return sandbox;
    }

    /// <summary>As <see cref="StartAsync"/>, but never one that was made ahead.</summary>
    internal async Task<Sandbox> StartFreshAsync(SandboxSpec spec, CancellationToken cancel)
    {
        var driver = DriverOf(spec.Isolation ?? Isolation);
        var heard = new TaskCompletionSource();
        var sandbox = await BeginAsync(spec, driver, state => driver.StartAsync(this, spec, state, cancel), heard.Task);
        try
        {
            await sandbox.WaitForGuestAsync(_options.StartTimeout, cancel);
            NotePhase("guest answers");
            return sandbox;
        }
        catch
        {
            await sandbox.KillAsync();
            throw;
        }
        finally
        {
            heard.SetResult();
        }
    }

    /// <summary>Makes a sandbox as far as its processes; nobody has heard of the guest yet.</summary>
    /// <param name="spec">What it shall be.</param>
    /// <param name="driver">What isolates it.</param>
    /// <param name="start">Starts its processes.</param>
    /// <param name="heard">Completes when the network may be brought up.</param>
    /// <exception cref="SandboxException">It could not be started; nothing of it is left.</exception>
    internal async Task<Sandbox> BeginAsync(SandboxSpec spec, IIsolationDriver driver, Func<SandboxState, Task<SandboxProcesses>> start, Task heard)
    {
        var id = Guid.NewGuid().ToString("N");
        var state = new SandboxState(SandboxState.CurrentVersion, id, SandboxState.CurrentBootId, spec.HostName, spec.Limits, spec.Egress,
            driver.Isolation == Isolation.Namespace && spec.Image.RootDirectory is not null ? _userIds?.TakeRange() : _userIds?.Take(),
            null, null, null, _cgroups.DirectoriesFor(id), driver.Isolation, driver.Isolation == Isolation.MicroVm && spec.Mounts.Count > 0);
        try
        {
            // 1. Write down what will exist, before it does.
            Directory.CreateDirectory(spec.Directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            state.Write(spec.Directory);

            // 2. What it may use.
            _cgroups.Create(id, driver.OnHost(spec.Limits));
            NotePhase("limits are set");

            // 3. Its processes. From here on the sandbox clears itself away when it ends.
            var processes = await start(state);
            state = state with { Outer = processes.Outer.Identity, Inner = processes.Inner.Identity, Machine = processes.Machine };
            state.Write(spec.Directory);
            NotePhase("processes run");
            return Begin(new Sandbox(_loop, spec.Directory, state, processes.Outer, processes.Inner, processes.Link, processes.Log), null, heard);
        }
        catch (Exception failure)
        {
            await ClearAsync(spec.Directory, state);
            if (failure is SandboxException or OperationCanceledException)
                throw;
            throw new SandboxException($"the sandbox of {spec.Directory} could not be started: {failure.Message}", failure);
        }
    }

    /// <summary>Takes over the sandbox that an earlier server left in a session's directory, or clears away what is left of it.</summary>
    public async Task<SandboxAdoption> AdoptAsync(string directory)
    {
        var state = SandboxState.TryRead(directory);
        if (state is { Version: SandboxState.CurrentVersion, Suspension: Suspension.Saved })
        {
            await AdoptSuspendedAsync(directory, state);
            return new SandboxAdoption(null, null, IsSuspended: true, state.Machine?.Description.Accelerator);
        }

        var stale = state switch
        {
            null => "its state is missing or half-written",
            { Version: not SandboxState.CurrentVersion } => $"its state has version {state.Version}, and this server reads {SandboxState.CurrentVersion}",
            { Outer: null } or { Inner: null } => "it was not fully started",
            _ when state.BootId != SandboxState.CurrentBootId => "the host has been restarted",
            _ => null,
        };
        if (stale is null && TryAdopt(state!.Outer!) is { } outer)
        {
            if (TryAdopt(state.Inner!) is { } inner)
                return await GoOnAsync(Adopt(directory, state, outer, inner));
            outer.Release();
        }

        await ClearAsync(directory, state);
        return new SandboxAdoption(null, stale ?? "its processes have ended");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _warm.Dispose();
        foreach (var driver in _drivers.Values)
            driver.Dispose();
        End(_loop);
    }

    private static void End(EventLoop loop)
    {
        loop.Stop();
        loop.Join();
        loop.Dispose();
    }

    // For whoever traces the start.
    private static void NotePhase(string phase) => Activity.Current?.AddEvent(new ActivityEvent(phase));

    // What comes from a request ends up in files and on command lines.
    private void Check(SandboxSpec spec)
    {
        if (!HostName().IsMatch(spec.HostName))
            throw new SandboxException($"\"{spec.HostName}\" cannot be a host name: use 1 to 64 letters, digits, hyphens, underscores and dots");
        var limits = spec.Limits;
        if (!(limits.Cpus >= LeastCpus) || limits.MemoryBytes < SmallestBytes || limits.DiskBytes < SmallestBytes || limits.Processes < FewestProcesses)
            throw new SandboxException($"{limits} are too low to run anything: give at least {LeastCpus} processors, {FewestProcesses} processes and {SmallestBytes} bytes of each");
        foreach (var mount in spec.Mounts)
        {
            if (!MountTarget().IsMatch(mount.Target) || mount.Target.Split('/').Contains(".."))
            {
                throw new SandboxException(
                    $"\"{mount.Target}\" cannot be a place for storage: give an absolute path of letters, digits, dots, hyphens and underscores");
            }
        }

        var free = HostLimits.FreeDisk(_options.CacheDirectory);
        if (free < _options.MinimumFreeDiskBytes)
            throw new SandboxException($"only {free >> 20} MB are left where {_options.CacheDirectory} lies, and sessions start with {_options.MinimumFreeDiskBytes >> 20} MB or more: free space there");
        if (File.Exists(Path.Combine(spec.Directory, Sandbox.LinkName)))
            throw new SandboxException($"{spec.Directory} holds a sandbox already: adopt it first");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\z")]
    private static partial Regex HostName();

    [GeneratedRegex(@"\A(/[A-Za-z0-9._-]+)+/?\z")]
    private static partial Regex MountTarget();

    private IIsolationDriver DriverOf(Isolation isolation) =>
        _drivers.GetValueOrDefault(isolation) ?? throw new SandboxException($"this server cannot isolate sessions by {isolation}: porthole doctor says why");

    // Machines that are nobody's session: those of an earlier server are of no use to this one.
    private async Task ClearMachinesAsync()
    {
        foreach (var directory in Directory.EnumerateDirectories(Directory.CreateDirectory(MachinesOf(_options)).FullName))
        {
            if ((await AdoptAsync(directory)).Sandbox is { } left)
                await left.KillAsync();
        }
    }

    private static string MachinesOf(SandboxOptions options) => Path.Combine(options.CacheDirectory, "machines");

    private static async Task<bool> ChooseAsync(IsolationChoice choice, MachineParts? parts) => choice switch
    {
        IsolationChoice.MicroVm => true,
        IsolationChoice.Auto => parts is not null && (await parts.FindAcceleratorAsync()).IsHardware,
        _ => false,
    };

    private static IGuestLink LinkOf(string directory, Isolation isolation) =>
        isolation == Isolation.MicroVm ? new MachineLink(directory, null) : new SocketLink(directory);

    private Sandbox Adopt(string directory, SandboxState state, WatchedProcess outer, WatchedProcess inner)
    {
        if (state.UserId is { } user)
            _userIds?.Adopt(user);
        return Begin(new Sandbox(_loop, directory, state, outer, inner, LinkOf(directory, state.Isolation), null), state.Network is { } network ? TryAdopt(network) : null, Task.CompletedTask);
    }

    private Sandbox Begin(Sandbox sandbox, WatchedProcess? networkProcess, Task heard)
    {
        if (sandbox.State.Egress && _network is not null)
        {
            var egress = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (networkProcess is not null)
                sandbox.SetNetworkProcess(networkProcess);
            sandbox.SetNetwork(egress.Task, Task.Run(() => _network.KeepAsync(sandbox, _cgroups.Helpers, networkProcess, heard, egress)));
        }

        sandbox.Begin(ClearAsync);
        return sandbox;
    }

    private WatchedProcess? TryAdopt(ProcessIdentity identity)
    {
        var process = WatchedProcess.TryWatch(_loop, identity.Pid);
        if (process is null || process.Identity == identity)
            return process;

        // Somebody else's by now.
        process.Release();
        return null;
    }

    // Whatever of it exists; of a suspended one, all but that. What cannot be cleared stays for the next start of the server, which comes here again.
    private async Task ClearAsync(string directory, SandboxState? state)
    {
        try
        {
            if (state is not null && state.BootId == SandboxState.CurrentBootId)
            {
                await ProcessTable.KillAsync(_loop, state.Id);
                await Cgroups.RemoveAsync(state.Cgroups);
            }

            if (state?.Suspension == Suspension.Saved)
            {
                // Their names are wanted again.
                File.Delete(Path.Combine(directory, Sandbox.LinkName));
                File.Delete(Path.Combine(directory, MachineLauncher.MonitorName));
                return;
            }

            DirectoryRemover.Remove(directory);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _options.Warn($"{directory} could not be cleared away, and will be at the next start of the server: {failure.Message}");
        }

        if (state is { UserId: { } user, Suspension: not Suspension.Saved })
            _userIds?.Release(user);
    }
}
