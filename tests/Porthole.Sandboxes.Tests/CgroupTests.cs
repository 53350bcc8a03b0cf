namespace Porthole.Sandboxes.Tests;

/// <summary>Both versions of control groups against a directory that looks like one.</summary>
public sealed class CgroupTests : IDisposable
{
    private static readonly SandboxLimits Limits = new(Cpus: 1.5, MemoryBytes: 1 << 30, Processes: 100, DiskBytes: 1 << 30);

    private readonly string _root = Directory.CreateTempSubdirectory("porthole-cgroup-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Version_1_groups_are_made_in_the_servers_own()
    {
        Make("memory/app", "cpu", "pids/deep/er");
        var parents = CgroupParent.Detect(
            "9:name=systemd:/\n8:pids:/deep/er\n4:memory:/app\n2:cpu,cpuacct:/\n0::/\n",
            Mounts("cgroup rw,memory", "memory") + Mounts("cgroup rw,cpu,cpuacct", "cpu") + Mounts("cgroup rw,pids", "pids") + Mounts("cgroup2 rw", "unified"),
            isRoot: true);

        var cgroups = new Cgroups(parents);
        Assert.Empty(cgroups.Missing);
        Assert.Empty(cgroups.Helpers);
        cgroups.Create("x", Limits);

        Assert.Equal("1073741824", Read("memory/app/porthole-x/memory.limit_in_bytes"));
        Assert.Equal("100", Read("pids/deep/er/porthole-x/pids.max"));
        Assert.Equal(("100000", "150000"), (Read("cpu/porthole-x/cpu.cfs_period_us"), Read("cpu/porthole-x/cpu.cfs_quota_us")));
        Assert.Equal(["memory", "cpu", "pids"], cgroups.ViewsFor("x").Select(view => Path.GetRelativePath(_root, view.Target)));
    }

    [Fact]
    public void Version_2_as_root_makes_groups_apart_from_the_service_so_that_they_outlive_it()
    {
        Make("system.slice/porthole.service");
        Controllers("", "cpu io memory pids", "memory pids");
        Controllers("system.slice/porthole.service", "memory pids", "");
        Controllers("porthole", "cpu memory pids", "cpu memory pids");

        var parents = CgroupParent.Detect("0::/system.slice/porthole.service\n", Mounts("cgroup2 rw", ""), isRoot: true);

        var cgroups = new Cgroups(parents);
        Assert.Empty(cgroups.Missing);
        Assert.Equal([Path.Combine(_root, "porthole/helpers")], cgroups.Helpers);
        Assert.Equal("+cpu", Read("cgroup.subtree_control"));
        cgroups.Create("x", Limits);
        Assert.Equal(("1073741824", "100", "150000 100000"), (Read("porthole/porthole-x/memory.max"), Read("porthole/porthole-x/pids.max"), Read("porthole/porthole-x/cpu.max")));
        Assert.False(Directory.Exists(Path.Combine(_root, "system.slice/porthole.service/porthole-server")));
    }

    [Fact]
    public void Version_2_with_a_delegated_group_is_used_by_an_ordinary_user_too()
    {
        Make("user.slice/porthole.scope");
        Controllers("", "cpu memory pids", "cpu memory pids");
        Controllers("user.slice/porthole.scope", "cpu memory pids", "cpu memory pids");

        var parent = Assert.Single(CgroupParent.Detect("0::/user.slice/porthole.scope\n", Mounts("cgroup2 rw", ""), isRoot: false));

        Assert.Equal(Path.Combine(_root, "user.slice/porthole.scope"), parent.Directory);
        Assert.Null(parent.Helpers);
    }

    [Fact]
    public void A_controller_that_is_not_there_is_named_as_missing()
    {
        Make("own");
        Controllers("own", "memory hugetlb", "memory");
        var cgroups = new Cgroups(CgroupParent.Detect("0::/own\n", Mounts("cgroup2 rw", ""), isRoot: false));
        Assert.Equal(["pids", "cpu"], cgroups.Missing);
    }

    [Fact]
    public void A_hierarchy_without_our_controllers_is_left_alone()
    {
        Controllers("", "hugetlb", "hugetlb");
        Assert.Empty(CgroupParent.Detect("0::/\n", Mounts("cgroup2 rw", ""), isRoot: true));
        Assert.Empty(Directory.EnumerateDirectories(_root));
    }

    [Fact]
    public void In_a_container_the_mount_may_begin_at_the_servers_own_group()
    {
        Make("inner");
        var mounts = $"36 35 0:30 /docker/0123 {_root} rw - cgroup cgroup rw,pids\n";
        Assert.Equal(_root, Assert.Single(CgroupHierarchy.Parse("8:pids:/docker/0123\n", mounts)).Own);
        Assert.Equal(Path.Combine(_root, "inner"), Assert.Single(CgroupHierarchy.Parse("8:pids:/docker/0123/inner\n", mounts)).Own);
        Assert.Equal(_root, Assert.Single(CgroupHierarchy.Parse("8:pids:/../elsewhere\n", mounts)).Own);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense\n1 2 - x\n - cgroup cgroup rw,pids\n36 35 0:30 / - cgroup\n")]
    public void What_is_no_mount_table_has_no_groups(string mounts) => Assert.Empty(CgroupHierarchy.Parse("0::/\n8:pids:/\n", mounts));

    private string Mounts(string file, string directory) => $"36 35 0:30 / {Path.Combine(_root, directory).TrimEnd('/')} rw,relatime shared:9 - {file.Replace(" ", " none ")}\n";

    private void Controllers(string directory, string has, string gives)
    {
        Make(directory);
        File.WriteAllText(Path.Combine(_root, directory, "cgroup.controllers"), has + "\n");
        File.WriteAllText(Path.Combine(_root, directory, "cgroup.subtree_control"), gives + "\n");
    }

    private void Make(params string[] directories) => Array.ForEach(directories, directory => Directory.CreateDirectory(Path.Combine(_root, directory)));

    private string Read(string file) => File.ReadAllText(Path.Combine(_root, file));
}
