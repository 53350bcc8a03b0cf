using System.Text;
using System.Text.Json;
using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// Sandboxes made of Linux namespaces by bubblewrap, on the programs of the host. As root each gets a user id, a disk and control groups
/// of its own; as an ordinary user those are missing, and <see cref="NamespaceOptions.Warn"/> says so.
/// </summary>
/// <remarks>Disposing it ends no sandbox. Thread-safe.</remarks>
public sealed class NamespaceDriver : IDisposable
{
    private const int LinkBacklog = 128;

    // The server survives a host without memory, the sessions' programs do not: half way to "kill this first".
    private const int OutOfMemoryScore = 500;

    // What systemd gives logins and services; those who need more than the soft limit raise it.
    private const int OpenFiles = 524288;

    // Where the launcher's mounts are gathered: not in the way of anything that bubblewrap is to show inside.
    private const string Stage = "/tmp";

    private readonly NamespaceOptions _options;
    private readonly EventLoop _loop;
    private readonly string _bubblewrap;
    private readonly SessionFiles _files;
    private readonly DiskImages? _disks;
    private readonly UserIds? _userIds;
    private readonly string _mountPoint;

    private NamespaceDriver(NamespaceOptions options, EventLoop loop, string bubblewrap, SessionFiles files)
    {
        (_options, _loop, _bubblewrap, _files) = (options, loop, bubblewrap, files);
        _mountPoint = Directory.CreateDirectory(Path.Combine(options.CacheDirectory, "mounts")).FullName;
        if (!Environment.IsPrivilegedProcess)
            return;
        _userIds = new UserIds(options.FirstUserId, options.UserIdCount);
        _disks = new DiskImages(loop, Path.Combine(options.CacheDirectory, "disks"));
    }

    /// <summary>Prepares what all sandboxes share.</summary>
    /// <exception cref="SandboxException">This host cannot run them: the message says what is missing.</exception>
    public static async Task<NamespaceDriver> CreateAsync(NamespaceOptions options, CancellationToken cancel = default)
    {
        foreach (var program in (string[])[options.LaunchPath, options.GuestPath])
        {
            if (!File.Exists(program))
                throw new SandboxException($"{program} is missing: run make build");
        }

        var bubblewrap = HostTool.Find("bwrap") ?? throw new SandboxException("bubblewrap is missing: install the package bubblewrap");
        Directory.CreateDirectory(options.CacheDirectory);
        var files = SessionFiles.Build(Path.Combine(options.CacheDirectory, "files"));
        var loop = new EventLoop("sandboxes");
        loop.Start();
        return new NamespaceDriver(options, loop, bubblewrap, files);
    }

    /// <summary>Starts a sandbox. The guest inside need not have come to its first line yet: <see cref="Sandbox.ConnectAsync"/> works at once.</summary>
    /// <exception cref="SandboxException">It could not be started; nothing of it is left.</exception>
    public async Task<Sandbox> StartAsync(SandboxSpec spec, CancellationToken cancel = default)
    {
        var directory = spec.Directory;
        if (File.Exists(Path.Combine(directory, Sandbox.LinkName)))
            throw new SandboxException($"{directory} holds a sandbox already: adopt it first");
        var state = new SandboxState(SandboxState.CurrentVersion, Guid.NewGuid().ToString("N"), SandboxState.CurrentBootId, spec.HostName, spec.Limits,
            _userIds?.Take(), null, null, null, []);
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

            // Before anything exists that would have to be found again.
            state.Write(directory);
            var root = _disks is null ? MakeRootDirectory(directory) : await MakeDiskAsync(directory, spec, cancel);
            return await LaunchAsync(spec, state, root, cancel);
        }
        catch (Exception failure)
        {
            await ProcessTable.KillAsync(_loop, state.Id);
            Clear(directory, state);
            if (failure is SandboxException or OperationCanceledException)
                throw;
            throw new SandboxException($"the sandbox of {directory} could not be started: {failure.Message}", failure);
        }
    }

    /// <summary>Takes over the sandbox that an earlier server left in a session's directory, or clears away what is left of it.</summary>
    /// <exception cref="SandboxException">What is left cannot be cleared away.</exception>
    public async Task<SandboxAdoption> AdoptAsync(string directory)
    {
        var state = SandboxState.TryRead(directory);
        if (state is not { Version: SandboxState.CurrentVersion, Outer: not null, Inner: not null } || state.BootId != SandboxState.CurrentBootId)
            return await ClearLeftoverAsync(directory, state, state is null ? "its state is missing or half-written" : "it was not fully started, or the host has been restarted");
        var outer = TryAdopt(state.Outer);
        var inner = TryAdopt(state.Inner);
        if (outer is null || inner is null)
            return await ClearLeftoverAsync(directory, state, "its processes have ended");
        if (state.UserId is { } user)
            _userIds?.Adopt(user);
        return new SandboxAdoption(new Sandbox(directory, state, outer, inner, null, ClearAsync), null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loop.Stop();
        _loop.Join();
        _loop.Dispose();
    }

    private static string MakeRootDirectory(string directory) => Directory.CreateDirectory(Path.Combine(directory, "root")).FullName;

    private async Task<string> MakeDiskAsync(string directory, SandboxSpec spec, CancellationToken cancel)
    {
        var disk = Path.Combine(directory, "disk.ext4");
        await _disks!.CreateAsync(disk, spec.Limits.DiskBytes, cancel);
        return disk;
    }

    private async Task<Sandbox> LaunchAsync(SandboxSpec spec, SandboxState state, string root, CancellationToken cancel)
    {
        var log = BoundedLog.Create();
        var (infoReader, infoWriter) = Descriptor.Pipe();
        var (lifetimeReader, lifetimeWriter) = Descriptor.Pipe();
        var (argumentsReader, argumentsWriter) = Descriptor.Pipe();
        var plan = Plan(spec, state, root, out var bubblewrapArguments);
        Fill(argumentsWriter, bubblewrapArguments);
        int pid;
        using (var link = UnixSocket.Listen(spec.Directory, Sandbox.LinkName, LinkBacklog))
        using (infoWriter)
        using (lifetimeReader)
        using (lifetimeWriter)
        using (argumentsReader)
        {
            pid = new ProcessStart
            {
                Path = _options.LaunchPath,
                Arguments = plan.Arguments,
                Environment = [$"{ProcessTable.MarkerVariable}={state.Id}"],
                Directory = "/",
                Descriptors = [-1, log.Descriptor.Number, log.Descriptor.Number, link.Number, argumentsReader.Number, infoWriter.Number, lifetimeWriter.Number],
            }.Start();
        }

        var outer = WatchedProcess.TryWatch(_loop, pid)!;
        var info = await PipeReader.ReadToEndAsync(_loop, infoReader);
        var inner = info.Length > 0 ? WatchedProcess.TryWatch(_loop, ChildPid(info)) : null;
        if (inner is null)
        {
            outer.Kill();
            throw new SandboxException($"the sandbox of {spec.Directory} {await outer.Ended}: {log.Tail()}");
        }

        state = state with { Outer = outer.Identity, Inner = inner.Identity };
        state.Write(spec.Directory);
        return new Sandbox(spec.Directory, state, outer, inner, log, ClearAsync);
    }

    private LaunchPlan Plan(SandboxSpec spec, SandboxState state, string root, out IEnumerable<string> bubblewrapArguments)
    {
        var plan = new LaunchPlan().OutOfMemoryScore(OutOfMemoryScore).Limit("core", 0).Limit("open-files", OpenFiles);
        var (files, guest) = (_files.Directory, _options.GuestPath);
        if (state.UserId is { } user)
        {
            // Gathered in a place of our own first: the sources may be anywhere, also where the stage will cover them.
            plan.PrivateMounts().Tmpfs(_mountPoint)
                .BindReadOnly(files, $"{_mountPoint}/files").BindReadOnly(guest, $"{_mountPoint}/guest")
                .MountImage(root, $"{_mountPoint}/disk")
                .MoveMount(_mountPoint, Stage)
                .MakeOwnDirectory($"{Stage}/disk/root", user).BecomeUser(user);
            (files, guest, root) = ($"{Stage}/files", $"{Stage}/guest", $"{Stage}/disk/root");
        }

        bubblewrapArguments = BubblewrapArguments.For(spec, root, guest, _files.HostPaths);
        return plan.CopyTree(files, root)
            .WriteFile($"{root}/etc/hostname", $"{spec.HostName}\n")
            .WriteFile($"{root}/etc/hosts", $"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {spec.HostName}\n")
            .Exec(_bubblewrap, "--args", $"{SandboxDescriptors.Arguments}", BubblewrapArguments.GuestPath, "serve", "--listen-fd", $"{SandboxDescriptors.Link}");
    }

    private static unsafe void Fill(Descriptor pipe, IEnumerable<string> words)
    {
        // A pipe holds 64 KB without a reader; all options together are a tenth of that.
        using (pipe)
        {
            var bytes = Encoding.UTF8.GetBytes(string.Concat(words.Select(word => word + '\0')));
            fixed (byte* text = bytes)
            {
                if (Libc.Write(pipe.Number, text, (nuint)bytes.Length) != bytes.Length)
                    throw PosixException.FromLast("pass bubblewrap its options");
            }
        }
    }

    private static int ChildPid(string info)
    {
        using var document = JsonDocument.Parse(info);
        return document.RootElement.GetProperty("child-pid").GetInt32();
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

    private async Task<SandboxAdoption> ClearLeftoverAsync(string directory, SandboxState? state, string why)
    {
        try
        {
            if (state is not null)
                await ProcessTable.KillAsync(_loop, state.Id);
            DirectoryRemover.Remove(directory);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new SandboxException($"{directory} cannot be cleared away: {failure.Message}", failure);
        }

        return new SandboxAdoption(null, why);
    }

    private Task ClearAsync(Sandbox sandbox)
    {
        Clear(sandbox.Directory, sandbox.State);
        return Task.CompletedTask;
    }

    private void Clear(string directory, SandboxState state)
    {
        try
        {
            DirectoryRemover.Remove(directory);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _options.Warn($"{directory} could not be cleared away and will be at the next start of the server: {failure.Message}");
        }

        if (state.UserId is { } user)
            _userIds?.Release(user);
    }
}
