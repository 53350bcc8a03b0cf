using System.Text;

namespace Porthole.Sandboxes.Machines;

/// <summary>A Linux kernel for machines, with the modules that one needs.</summary>
/// <param name="Release">What uname(1) calls it.</param>
/// <param name="Image">The kernel (a bzImage).</param>
/// <param name="ModulesDirectory">Its directory of modules.</param>
internal sealed record MachineKernel(string Release, string Image, string ModulesDirectory)
{
    // What machines are made of; a kernel that has one of them built in lacks the file.
    private static readonly string[] Wanted = ["virtio_mmio", "virtio_console", "virtio_blk", "virtio-rng", "virtio_net", "squashfs", "overlay"];

    /// <summary>Finds the newest kernel below a directory that is laid out as a Debian package's files are: boot/vmlinuz-R, lib/modules/R.</summary>
    /// <returns>Null when there is none.</returns>
    public static MachineKernel? Find(string root)
    {
        const string prefix = "vmlinuz-", flavour = "-cloud-amd64";
        var boot = Path.Combine(root, "boot");
        if (!Directory.Exists(boot))
            return null;
        return Directory.EnumerateFiles(boot, $"{prefix}*{flavour}")
            .Select(image => (Image: image, Release: Path.GetFileName(image)[prefix.Length..]))
            .Select(found => new MachineKernel(found.Release, found.Image, Path.Combine(root, "lib/modules", found.Release)))
            .Where(kernel => Directory.Exists(kernel.ModulesDirectory))
            .MaxBy(kernel => File.GetLastWriteTimeUtc(kernel.Image));
    }

    /// <summary>The files of the modules that machines need, those first that others depend on.</summary>
    public IReadOnlyList<string> Modules()
    {
        var files = Directory.EnumerateFiles(ModulesDirectory, "*.ko", SearchOption.AllDirectories).ToLookup(file => Normal(Path.GetFileNameWithoutExtension(file)));
        var ordered = new List<string>();
        foreach (var name in Wanted)
            Add(Normal(name), files, ordered);
        return ordered;
    }

    private static void Add(string name, ILookup<string, string> files, List<string> ordered)
    {
        if (files[name].FirstOrDefault() is not { } file || ordered.Contains(file))
            return;
        foreach (var dependency in DependenciesOf(file))
            Add(dependency, files, ordered);
        ordered.Add(file);
    }

    // Each module names what it needs in its section .modinfo, as "depends=" and a list with commas.
    private static IEnumerable<string> DependenciesOf(string file)
    {
        var bytes = File.ReadAllBytes(file).AsSpan();
        var marker = "\0depends="u8;
        var start = bytes.IndexOf(marker);
        if (start < 0)
            return [];
        var list = bytes[(start + marker.Length)..];
        return Encoding.ASCII.GetString(list[..list.IndexOf((byte)0)]).Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Normal);
    }

    // The same module is written either way.
    private static string Normal(string name) => name.Replace('-', '_');
}
