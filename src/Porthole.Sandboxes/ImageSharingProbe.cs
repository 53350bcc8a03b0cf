using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>Finds out by trying whether the kernel lets sandboxes share the files of images.</summary>
internal static class ImageSharingProbe
{
    /// <summary>Tries it with a directory of the disk on which images lie; null when all is well, otherwise why not.</summary>
    public static async Task<string?> ProblemAsync(EventLoop loop, SandboxOptions options, string unshare, string mountPoint, CancellationToken cancel)
    {
        // Where nothing but this is: overlayfs leaves a work directory behind that its owner may not look into.
        var directory = Path.Combine(options.CacheDirectory, "image-probe");
        DirectoryRemover.Remove(directory);
        var (image, layer) = (Path.Combine(directory, "image"), Path.Combine(directory, "layer"));
        Directory.CreateDirectory(image);
        Directory.CreateDirectory(Path.Combine(layer, "upper"));
        try
        {
            var (succeeded, output) = await HostCommand.RunAsync(loop, Command(options, unshare, mountPoint, image, layer), [-1], cancel);
            return succeeded ? null : output;
        }
        finally
        {
            DirectoryRemover.Remove(directory);
        }
    }

    private static string[] Command(SandboxOptions options, string unshare, string mountPoint, string image, string layer)
    {
        const int descriptor = 3;
        var plan = new LaunchPlan();
        if (Environment.IsPrivilegedProcess)
            return Words(plan.PrivateMounts().Tmpfs(mountPoint).Bind(layer, $"{mountPoint}/disk").MapIds(unshare, options.FirstUserId, UserIds.RangeSize, descriptor)
                .BindMapped(image, $"{mountPoint}/image", readOnly: true).Overlay(mountPoint, "disk", inUserNamespace: false).Exec("/bin/true"));
        var inside = new LaunchPlan().Tmpfs(mountPoint).Bind(layer, $"{mountPoint}/disk").Bind(image, $"{mountPoint}/image").Overlay(mountPoint, "disk", inUserNamespace: true);
        return Words(plan.ExecAgain(unshare, options.LaunchPath, inside).Exec("/bin/true"));

        string[] Words(LaunchPlan whole) => [options.LaunchPath, .. whole.Arguments.Skip(1)];
    }
}
