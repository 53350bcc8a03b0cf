using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes;

/// <summary>The whole preparation of a namespace sandbox on the host, as one list of steps, and what it then sees.</summary>
/// <param name="spec">What the sandbox shall be.</param>
/// <param name="state">Its id, user and groups, which exist.</param>
/// <param name="place">What all sandboxes of this host have in common.</param>
/// <param name="storage">Disk image or directory that holds what it writes.</param>
/// <param name="isDisk">Whether it is a disk image.</param>
internal sealed class SandboxPlan(SandboxSpec spec, SandboxState state, SandboxPlace place, string storage, bool isDisk)
{
    // What systemd gives logins and services; those who need more than the soft limit raise it.
    private const int OpenFiles = 524288;

    // Where the launcher's mounts end up: not in the way of anything that bubblewrap is to show inside.
    private const string Stage = "/tmp";

    private readonly string _mountPoint = place.MountPoint;

    /// <summary>The steps up to bubblewrap itself.</summary>
    public LaunchPlan Steps { get; } = new();

    /// <summary>What it sees; after one of the methods below.</summary>
    public SandboxView View { get; private set; } = null!;

    /// <summary>Whether the launcher needs <see cref="SandboxDescriptors.UserNamespace"/> as a place for a namespace that it makes.</summary>
    public bool MapsIds { get; private set; }

    /// <summary>A sandbox on the tools of the host: a root directory of its own, /usr and the like shown in it.</summary>
    public SandboxPlan OnHostTools()
    {
        Limit(Steps);
        var (source, guest, root) = (place.Files.Root, place.Guest, Path.Combine(storage, SessionFiles.RootName));
        var writable = spec.Mounts.Select(mount => (mount.Storage, mount.Target)).ToArray();
        if (state.UserId is { } user)
        {
            // Gathered in a place of our own first: the sources may be anywhere, also where the stage will cover them.
            Steps.PrivateMounts().Tmpfs(_mountPoint).BindReadOnly(guest, $"{_mountPoint}/guest");
            if (isDisk)
                Steps.MountImage(storage, $"{_mountPoint}/disk");
            else
                Steps.Bind(storage, $"{_mountPoint}/disk").BindReadOnly(source, $"{_mountPoint}/files");
            GatherCode();
            if (spec.Mounts.Count > 0)
            {
                // For the mounts alone: bubblewrap makes the namespace of those inside.
                MapIds(user, 1);
                writable = GatherStorage(user);
                Steps.Close(SandboxDescriptors.UserNamespace);
            }

            Steps.MoveMount(_mountPoint, Stage);
            (source, guest, root) = ($"{Stage}/files", $"{Stage}/guest", $"{Stage}/disk/{SessionFiles.RootName}");
            (isDisk ? Steps.GiveTree(root, user) : Steps.MakeOwnDirectory(root, user)).BecomeUser(user);
        }

        // A disk has been made with the files.
        if (!isDisk)
            Steps.CopyTree(source, root);
        Steps.WriteFile($"{root}/etc/hostname", HostName).WriteFile($"{root}/etc/hosts", Hosts).WriteFile($"{root}/etc/resolv.conf", ResolvConf);
        View = new SandboxView
        {
            Root = root,
            Guest = guest,
            ReadOnly = [.. place.Files.HostPaths.Select(path => (path, path)), .. place.Cgroups.ViewsFor(state.Id), .. ShownCode()],
            Writable = writable,
        };
        return this;
    }

    /// <summary>A sandbox of an image: its files, shared with others, below a layer that this sandbox alone writes.</summary>
    public SandboxPlan OnImage() => state.UserId is { } user ? OnImageAsRoot(user) : OnImageAsOrdinaryUser();

    private SandboxPlan OnImageAsRoot(uint user)
    {
        Limit(Steps);
        Steps.PrivateMounts().Tmpfs(_mountPoint).BindReadOnly(place.Guest, $"{_mountPoint}/guest");
        if (isDisk)
            Steps.MountImage(storage, $"{_mountPoint}/disk");
        else
            Steps.Bind(storage, $"{_mountPoint}/disk");

        // The ids of the image are those of the session's own range from here on; what is root's in it belongs to the first of them.
        MapIds(user, UserIds.RangeSize);
        if (place.ImageSharing == ImageSharing.Shared)
            Steps.BindMapped(spec.Image.RootDirectory!, $"{_mountPoint}/image", readOnly: true)
                .MakeOwnDirectory($"{_mountPoint}/disk/upper", user).Overlay(_mountPoint, "disk", inUserNamespace: false);
        else
            Steps.CopyImage(spec.Image.RootDirectory!, $"{_mountPoint}/disk/root").GiveTree($"{_mountPoint}/disk/root", user);
        var writable = GatherStorage(user);
        Steps.MoveMount(_mountPoint, Stage);
        Furnish(Steps, place.ImageSharing == ImageSharing.Shared ? $"{Stage}/root" : $"{Stage}/disk/root", $"{Stage}/guest", writable, user);
        Steps.BecomeUser(user);
        View = View with { HasManyUsers = true };
        return this;
    }

    // Mounts of an ordinary user need a user namespace, which only a process of one thread can enter: unshare(1), and then the launcher once more.
    private SandboxPlan OnImageAsOrdinaryUser()
    {
        Limit(Steps);
        var writable = spec.Mounts.Select(mount => (mount.Storage, mount.Target)).ToArray();
        if (place.ImageSharing == ImageSharing.Copied)
        {
            var copy = Path.Combine(storage, SessionFiles.RootName);
            Steps.CopyImage(spec.Image.RootDirectory!, copy);
            Furnish(Steps, copy, place.Guest, writable, Libc.GetEUid());
            return this;
        }

        Directory.CreateDirectory(Path.Combine(storage, "upper"));
        var inside = new LaunchPlan().Tmpfs(_mountPoint).BindReadOnly(place.Guest, $"{_mountPoint}/guest")
            .Bind(storage, $"{_mountPoint}/disk").Bind(spec.Image.RootDirectory!, $"{_mountPoint}/image").Overlay(_mountPoint, "disk", inUserNamespace: true);
        writable = [.. spec.Mounts.Select((mount, number) =>
        {
            inside.Bind(mount.Storage, $"{_mountPoint}/storage{number}");
            return ($"{Stage}/storage{number}", mount.Target);
        })];
        inside.MoveMount(_mountPoint, Stage);
        Furnish(inside, $"{Stage}/root", $"{Stage}/guest", writable, 0);
        Steps.ExecAgain(place.Unshare, place.Launcher, inside);
        return this;
    }

    // What every session has, whatever its image: mount points, and the names of itself and its neighbours.
    private void Furnish(LaunchPlan plan, string root, string guest, (string Source, string Target)[] writable, uint owner)
    {
        var cgroups = place.Cgroups.ViewsFor(state.Id).ToArray();
        string[] directories = ["proc", "dev", "sys/devices/system/cpu", "root", "tmp", .. cgroups.Select(view => view.Target), .. writable.Select(mount => mount.Target)];
        foreach (var directory in directories)
            plan.InnerDirectory(root, directory, owner);
        plan.InnerFile(root, BubblewrapArguments.GuestPath, "", owner)
            .InnerFile(root, "etc/hostname", HostName, owner).InnerFile(root, "etc/hosts", Hosts, owner).InnerFile(root, "etc/resolv.conf", ResolvConf, owner);
        View = new SandboxView { Root = root, Guest = guest, ReadOnly = cgroups, Writable = writable };
    }

    private void Limit(LaunchPlan plan)
    {
        foreach (var group in state.Cgroups)
            plan.JoinCgroup(group);
        plan.OutOfMemoryScore(SandboxDriver.OutOfMemoryScore).Limit("core", 0).Limit("open-files", OpenFiles);
        if (!isDisk)
            plan.Limit("file-size", spec.Limits.DiskBytes);
        if (place.Cgroups.Missing.Contains("pids"))
            plan.Limit("processes", spec.Limits.Processes + (state.UserId is null ? ProcessTable.CountThreads(Libc.GetEUid()) : 0));
    }

    private void MapIds(uint first, uint count)
    {
        MapsIds = true;
        Steps.MapIds(place.Unshare, first, count, SandboxDescriptors.UserNamespace);
    }

    private void GatherCode()
    {
        if (spec.Image.CodeDirectory is { } code)
            Steps.BindReadOnly(code, $"{_mountPoint}/code");
    }

    private IEnumerable<(string Source, string Target)> ShownCode() => spec.Image.CodeDirectory is { } code
        ? [(state.UserId is null ? code : $"{Stage}/code", Images.PreparedImage.CodePath)]
        : [];

    // On the disk everything belongs to the ids from 0 on, whoever had it last: the next session has others.
    private (string Source, string Target)[] GatherStorage(uint user) => [.. spec.Mounts.Select((mount, number) =>
    {
        var (directory, shown) = (mount.Storage, $"{_mountPoint}/storage{number}");
        if (place.HasDisks)
        {
            Steps.MountImage(StorageDisk.PathOf(mount), $"{_mountPoint}/storage{number}.disk");
            directory = $"{_mountPoint}/storage{number}.disk/{MachineMount.DataName}";
        }

        if (place.CanMapIds)
            Steps.MakeOwnDirectory(directory, 0).BindMapped(directory, shown, readOnly: false);
        else
            Steps.MakeOwnDirectory(directory, user).GiveTree(directory, user).Bind(directory, shown);
        return ($"{Stage}/storage{number}", mount.Target);
    })];

    private string HostName => $"{spec.HostName}\n";

    private string Hosts => $"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {spec.HostName}\n";

    private string ResolvConf => spec.Egress && place.NameServer is { } server ? $"nameserver {server}\n" : "# no network\n";
}
