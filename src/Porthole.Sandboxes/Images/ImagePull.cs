using Porthole.Posix;

namespace Porthole.Sandboxes.Images;

/// <summary>The way of one image from where it is to an unpacked root file system, in a directory of its own that is removed when it fails.</summary>
internal sealed class ImagePull(EventLoop loop, ImageStoreOptions options, ImageReference image, string work, string blobs, Action<ImageProgress> report)
{
    private const string PartialBlobs = "oci-put-blob*";

    // For connections that break: layers that are complete are not copied again.
    private const string Retries = "2";

    /// <summary>Name of the layout in the work directory.</summary>
    public const string LayoutName = "layout";

    private readonly OciLayout _layout = OciLayout.Create(Path.Combine(work, LayoutName), blobs);
    private IReadOnlyDictionary<string, long> _sizes = new Dictionary<string, long>();
    private long _moved;
    private long _movedAt = TimeProvider.System.GetTimestamp();

    /// <summary>Copies the image into the layout, each blob checked against its digest; those that are there already are not fetched again.</summary>
    /// <returns>The digest of its manifest, without "sha256:".</returns>
    /// <exception cref="ImageException">It cannot be had; the message says what to do.</exception>
    public async Task<string> CopyAsync(CancellationToken cancel)
    {
        // 1. What there is to copy, for the progress and for a disk that cannot hold it.
        report(new ImageProgress(ImageStage.Resolving, 0, 0));
        var skopeo = ImageTool.Find(loop, "skopeo");
        _sizes = await ReadSizesAsync(skopeo, cancel);
        var missing = _sizes.Where(layer => !File.Exists(Blob(layer.Key))).Sum(layer => layer.Value);
        CheckRoom(missing);

        // 2. The layers.
        string[] command =
        [
            "copy", "--quiet", "--insecure-policy", "--tmpdir", work, "--retry-times", Retries, .. Credentials("--src-authfile"), .. Trust("--src-tls-verify"),
            image.Transport, $"oci:{_layout.Directory}:{OciLayout.Tag}",
        ];
        await RunAsync(skopeo, command, null, LookAtCopy, cancel);
        return _layout.Digest();
    }

    /// <summary>Digests of the copied image's manifest, configuration and layers.</summary>
    public IReadOnlyList<string> Blobs(string digest) => _layout.Blobs(digest);

    /// <summary>How the copied image's program is run.</summary>
    public ImageConfiguration Configuration(IReadOnlyList<string> blobsOfImage) => _layout.Configuration(blobsOfImage[1]);

    /// <summary>Unpacks the copied image, each layer checked once more, as root with the owners and devices that it names.</summary>
    /// <exception cref="ImageException">A layer is damaged, or the disk full.</exception>
    public async Task UnpackAsync(CancellationToken cancel)
    {
        report(new ImageProgress(ImageStage.Unpacking, 0, 0));
        string[] rootless = Environment.IsPrivilegedProcess ? [] : ["--rootless"];
        string[] command = ["raw", "unpack", .. rootless, "--image", $"{_layout.Directory}:{OciLayout.Tag}", Path.Combine(work, ImageRecord.RootName)];
        try
        {
            await RunAsync(ImageTool.Find(loop, "umoci"), command, null, () => CheckRoom(0), cancel);
        }
        catch (ImageException failure) when (failure is not DiskFullException)
        {
            // They were whole when they came. What has happened to them since must not last for ever.
            foreach (var blob in _layout.Blobs(_layout.Digest()))
                File.Delete(Blob(blob));
            throw;
        }
    }

    // An index of images for several machines is followed to the one for ours. Files have no sizes to learn beforehand.
    private async Task<IReadOnlyDictionary<string, long>> ReadSizesAsync(ImageTool skopeo, CancellationToken cancel)
    {
        if (image.Source != ImageSource.Registry)
            return _sizes;
        var manifest = await InspectAsync(skopeo, image.Transport, cancel);
        if (OciLayout.ForThisHost(manifest) is { } digest)
            manifest = await InspectAsync(skopeo, $"docker://{image.Repository}@{digest}", cancel);
        return OciLayout.LayerSizes(manifest);
    }

    private async Task<string> InspectAsync(ImageTool skopeo, string transport, CancellationToken cancel)
    {
        var file = Path.Combine(work, "manifest.json");
        await RunAsync(skopeo, ["inspect", "--raw", "--retry-times", Retries, .. Credentials("--authfile"), .. Trust("--tls-verify"), transport], file, LookForAnswer, cancel);
        return file;
    }

    private async Task RunAsync(ImageTool tool, IReadOnlyList<string> command, string? output, Action look, CancellationToken cancel)
    {
        if (await tool.RunAsync(command, work, output, look, cancel) is { } said)
            throw PullFailure.Explain(image, said);
    }

    private void LookForAnswer() => Stalled(0);

    private void LookAtCopy()
    {
        CheckRoom(0);
        var done = _sizes.Where(layer => File.Exists(Blob(layer.Key))).Sum(layer => layer.Value);
        var partial = new DirectoryInfo(_layout.Directory).EnumerateFiles(PartialBlobs).Sum(LengthOf);
        report(new ImageProgress(ImageStage.Copying, Math.Min(done + partial, Total), Total));
        if (image.Source == ImageSource.Registry)
            Stalled(done + partial);
    }

    private long Total => _sizes.Values.Sum();

    private void Stalled(long moved)
    {
        if (moved != _moved)
            (_moved, _movedAt) = (moved, TimeProvider.System.GetTimestamp());
        if (TimeProvider.System.GetElapsedTime(_movedAt) > options.StallTimeout)
            throw new ImageException($"{image}: {image.Registry} sent nothing for {options.StallTimeout.TotalSeconds} s: try again; what has arrived is kept");
    }

    private void CheckRoom(long needed)
    {
        var free = HostLimits.FreeDisk(work);
        if (free - needed < options.MinimumFreeBytes)
        {
            throw new DiskFullException(
                $"{image}: the disk of {options.Directory} is too full ({free >> 20} MB free, {(needed + options.MinimumFreeBytes) >> 20} MB needed): "
                + "free space there, or remove images with porthole image prune");
        }
    }

    private IEnumerable<string> Credentials(string option) =>
        image.Source == ImageSource.Registry && File.Exists(options.CredentialsPath) ? [option, options.CredentialsPath] : [];

    private IEnumerable<string> Trust(string option) => image.Registry is { } registry && (Registry.IsLoopback(registry) || options.InsecureRegistries.Contains(registry))
        ? [$"{option}=false"]
        : [];

    private string Blob(string digest) => Path.Combine(blobs, "sha256", digest);

    // It may have become a whole blob since it was listed.
    private static long LengthOf(FileInfo file)
    {
        file.Refresh();
        return file.Exists ? file.Length : 0;
    }
}
