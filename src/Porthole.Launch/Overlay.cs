using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>A writable layer over files that many share (overlayfs of the kernel's documentation).</summary>
internal static class Overlay
{
    /// <summary>
    /// Lays LAYER/upper over "image", both in a place, and shows the result there as "root". Those inside see the names that are given to
    /// mount(2): relative ones tell nothing about the host's directories.
    /// </summary>
    public static void Mount(string place, string layer, string option)
    {
        var root = Path.Combine(place, "root");
        Directory.CreateDirectory(root);
        Directory.CreateDirectory(Path.Combine(place, layer, "work"));
        Directory.SetCurrentDirectory(place);
        var options = $"lowerdir=image,upperdir={layer}/upper,workdir={layer}/work{(option.Length > 0 ? "," : "")}{option}";
        if (Libc.Mount("session", root, "overlay", Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOATIME, options) < 0)
            throw PosixException.FromLast("lay a writable layer over the image");
        Directory.SetCurrentDirectory("/");
    }
}
