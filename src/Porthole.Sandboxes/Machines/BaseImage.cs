using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// The disk that machines on the host's programs share: /usr and a small /etc, as namespace sandboxes see them, packed once for each state of the
/// host. Only what everybody on the host may read is in it.
/// </summary>
internal sealed class BaseImage(EventLoop loop, SandboxOptions options, string directory, string bubblewrap, string mountPoint)
{
    // Changes when the way of packing does.
    private const string Format = "1";

    // Of memory for packing; mksquashfs would take a quarter of the host's.
    private const string PackingMemory = "256M";

    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private string? _path;
    private Task? _packed;

    /// <summary>The image of the host's present programs, packed when it is missing: that takes a minute for a /usr of some gigabytes.</summary>
    /// <exception cref="SandboxException">It could not be packed; the message says what to do.</exception>
    public async Task<string> EnsureAsync(CancellationToken cancel)
    {
        Task packed;
        var path = Path.Combine(directory, $"host-{StateOfHost()}.squashfs");
        lock (_lock)
        {
            // For everybody who waits: that one of them gives up does not end it.
            if (_packed is null || _path != path || _packed.IsFaulted)
                (_path, _packed) = (path, File.Exists(path) ? Task.CompletedTask : Task.Run(() => PackAsync(path), CancellationToken.None));
            packed = _packed;
        }

        await packed.WaitAsync(cancel);
        return path;
    }

    private async Task PackAsync(string path)
    {
        var mksquashfs = HostTool.Find("mksquashfs") ?? throw new SandboxException("mksquashfs is missing: install the package squashfs-tools");
        var work = Path.Combine(directory, $"packing-{Guid.NewGuid():N}");
        var result = Path.Combine(work, "out", "image");
        Directory.CreateDirectory(Path.GetDirectoryName(result)!);
        try
        {
            var files = SessionFiles.Build(Path.Combine(work, "files"));
            options.Report($"packing the programs of this host for microVMs; sessions wait for it, once, until they change");
            using var done = new CancellationTokenSource();
            var reports = ReportAsync(result, done.Token);
            var (succeeded, output) = await HostCommand.RunAsync(loop, [options.LaunchPath, .. Plan(files, work, mksquashfs).Arguments.Skip(1)], CancellationToken.None);
            await done.CancelAsync();
            await reports;
            if (!succeeded)
                throw new SandboxException($"the programs of this host could not be packed: {output}");

            // Nobody's to write: the user who packed it may be a session's one day.
            if (Libc.LChown(result, Libc.GetEUid(), Libc.GetEGid()) < 0)
                throw PosixException.FromLast("take over the packed disk");
            const UnixFileMode readable = (UnixFileMode)0x124;
            File.SetUnixFileMode(result, readable);
            File.Move(result, path, overwrite: true);
            RemoveOthers(path);
            options.Report($"packed the programs of this host: {new FileInfo(path).Length >> 20} MB");
        }
        finally
        {
            DirectoryRemover.Remove(work);
        }
    }

    // By an unprivileged user, who cannot read more than everybody; to that user the files seem to be somebody else's, so the image says root.
    private LaunchPlan Plan(SessionFiles files, string work, string mksquashfs)
    {
        var plan = new LaunchPlan();
        var (tree, output) = (files.Root, Path.Combine(work, "out"));
        if (Environment.IsPrivilegedProcess)
        {
            const string stage = "/tmp";
            var user = options.FirstUserId;
            plan.PrivateMounts().Tmpfs(mountPoint).Bind(tree, $"{mountPoint}/tree").Bind(output, $"{mountPoint}/out").MoveMount(mountPoint, stage);
            (tree, output) = ($"{stage}/tree", $"{stage}/out");
            plan.GiveTree(tree, user).MakeOwnDirectory(output, user).BecomeUser(user);
        }

        return plan.Exec(
        [
            bubblewrap, "--unshare-net", "--unshare-pid", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
            .. files.HostPaths.SelectMany(path => (string[])["--ro-bind", path, tree + path]),
            mksquashfs, tree, Path.Combine(output, "image"), "-comp", "lz4", "-all-root", "-noappend", "-no-progress", "-quiet", "-no-xattrs", "-mem", PackingMemory,
        ]);
    }

    private async Task ReportAsync(string file, CancellationToken done)
    {
        try
        {
            while (true)
            {
                await Task.Delay(ReportInterval, done);
                options.Report($"packing: {(File.Exists(file) ? new FileInfo(file).Length >> 20 : 0)} MB written");
            }
        }
        catch (OperationCanceledException)
        {
            // Packed, or failed.
        }
    }

    // Machines that run keep theirs open.
    private void RemoveOthers(string path)
    {
        foreach (var other in Directory.EnumerateFiles(directory, "host-*.squashfs").Where(file => file != path))
            File.Delete(other);
    }

    // Packages are what changes /usr; what is put there by hand changes the times of its directories.
    private static string StateOfHost()
    {
        var state = new StringBuilder(Format);
        foreach (var path in (string[])["/var/lib/dpkg/status", "/var/lib/rpm", "/lib/apk/db/installed", "/etc/ld.so.cache", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/local/lib"])
            state.Append(CultureInfo.InvariantCulture, $"{path} {File.GetLastWriteTimeUtc(path).Ticks}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(state.ToString())))[..16];
    }
}
