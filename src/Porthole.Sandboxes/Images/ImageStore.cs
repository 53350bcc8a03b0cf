using System.Collections.Concurrent;
using Porthole.Posix;

namespace Porthole.Sandboxes.Images;

/// <summary>
/// The images of a server: each got once, verified, unpacked once, and shared by all sessions. What is half done is never seen:
/// an image is prepared beside the others and moved among them when it is whole.
/// </summary>
/// <remarks>
/// <code>
/// DIRECTORY/
///   blobs/sha256/   layers as they came, so that what failed half-way goes on from there, and images share them
///   work/           preparations under way; emptied when the store is opened
///   HEX/            one for each image, by its digest: image.json, root/ or code/, and the same packed once a microVM has needed it
/// </code>
/// Thread-safe.
/// </remarks>
public sealed class ImageStore : IDisposable
{
    // Preparations at once: enough to fill a network, and few enough that their layers fit beside each other.
    private const int Slots = 4;

    private readonly ImageStoreOptions _options;
    private readonly EventLoop _loop = new("images");
    private readonly string _blobs;
    private readonly string _work;
    private readonly ConcurrentDictionary<string, SharedPreparation> _preparations = new();
    private readonly SemaphoreSlim _slots = new(Slots);

    // Held to look at an image's directory and to make, change or remove it.
    private readonly SemaphoreSlim _images = new(1);

    private readonly SemaphoreSlim _pruning = new(1);

    private ImageStore(ImageStoreOptions options)
    {
        _options = options;
        (_blobs, _work) = (Path.Combine(options.Directory, "blobs"), Path.Combine(options.Directory, "work"));
        _loop.Start();
    }

    /// <summary>Opens the store of a directory, which is made when missing, and clears away what an earlier one left half done.</summary>
    /// <exception cref="IOException">The directory cannot be used.</exception>
    public static ImageStore Open(ImageStoreOptions options)
    {
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(options.Directory, ownerOnly);
        DirectoryRemover.Remove(Path.Combine(options.Directory, "work"));
        Directory.CreateDirectory(Path.Combine(options.Directory, "work"));
        return new ImageStore(options);
    }

    /// <summary>Makes an image ready for sessions. Whoever asks for one that is being prepared waits for the same work.</summary>
    /// <param name="reference">Which image.</param>
    /// <param name="progress">Told a few times a second how far it is; on any thread.</param>
    /// <param name="cancel">Ends the waiting, and the work when nobody else waits for it; what has arrived is kept for the next time.</param>
    /// <exception cref="ImageException">It cannot be had: the message says why and what to do. Nothing of it can be seen.</exception>
    public Task<PreparedImage> PrepareAsync(ImageReference reference, IProgress<ImageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return reference.Source == ImageSource.Host
            ? Task.FromResult(PreparedImage.Host)
            : ShareAsync(reference.Text, (work, report, abandoned) => PullAsync(reference, work, report, abandoned), progress, cancel);
    }

    /// <summary>Makes code ready for sessions on the host's tools.</summary>
    /// <param name="code">Which code.</param>
    /// <param name="progress">As above.</param>
    /// <param name="cancel">As above.</param>
    /// <exception cref="ImageException">It cannot be used: the message says why and what to do. Nothing of it can be seen.</exception>
    public Task<PreparedImage> PrepareAsync(CodePackage code, IProgress<ImageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(code);
        return ShareAsync(code.ToString(), (work, report, abandoned) => UnpackCodeAsync(code, work, report, abandoned), progress, cancel);
    }

    /// <summary>An image that was prepared before, also by an earlier server; null when it is not there.</summary>
    public PreparedImage? Find(string digest)
    {
        if (digest == PreparedImage.Host.Digest)
            return PreparedImage.Host;
        var directory = DirectoryOf(digest);
        return ImageRecord.TryRead(directory)?.Image(directory);
    }

    /// <summary>All images, the one that was asked for last first.</summary>
    public IReadOnlyList<StoredImage> List() =>
        [.. Records().OrderByDescending(found => found.Record.PreparedAt)
            .Select(found => new StoredImage(found.Record.Image(found.Directory), found.Record.References, found.Record.Bytes, found.Record.PreparedAt))];

    /// <summary>
    /// Removes images, and the layers that no image has; waits for preparations under way first. Images that were asked for a short while
    /// ago stay (<see cref="ImageStoreOptions.PruneGrace"/>).
    /// </summary>
    /// <param name="keep">Digests of the images that are needed: those of runtimes, and of sessions that run.</param>
    /// <param name="cancel">Stops before the next image.</param>
    /// <returns>The images that were removed.</returns>
    public async Task<IReadOnlyList<StoredImage>> PruneAsync(IReadOnlySet<string> keep, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(keep);
        var removed = new List<StoredImage>();
        await WithoutPreparationsAsync(async () =>
        {
            var newest = _options.Time.GetUtcNow() - _options.PruneGrace;
            foreach (var image in List().Where(image => !keep.Contains(image.Image.Digest) && image.PreparedAt <= newest))
            {
                cancel.ThrowIfCancellationRequested();
                await RemoveAsync(image.Image.Digest);
                removed.Add(image);
            }

            RemoveUnusedBlobs();
        }, cancel);
        return removed;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loop.Stop();
        _loop.Join();
        _loop.Dispose();
        _slots.Dispose();
        _images.Dispose();
        _pruning.Dispose();
    }

    private async Task<PreparedImage> ShareAsync(
        string reference, Func<string, Action<ImageProgress>, CancellationToken, Task<PreparedImage>> prepare, IProgress<ImageProgress>? progress, CancellationToken cancel)
    {
        while (true)
        {
            var mine = new SharedPreparation();
            var preparation = _preparations.GetOrAdd(reference, mine);
            if (preparation == mine)
                mine.Start((report, abandoned) => InSlotAsync(reference, mine, work => prepare(work, report, abandoned), abandoned));
            if (await preparation.JoinAsync(progress, cancel) is { } image)
                return image;
        }
    }

    private async Task<PreparedImage> InSlotAsync(string reference, SharedPreparation preparation, Func<string, Task<PreparedImage>> prepare, CancellationToken abandoned)
    {
        try
        {
            await _slots.WaitAsync(abandoned);
            try
            {
                return await InWorkDirectoryAsync(prepare);
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            _preparations.TryRemove(KeyValuePair.Create(reference, preparation));
        }
    }

    private async Task<PreparedImage> InWorkDirectoryAsync(Func<string, Task<PreparedImage>> prepare)
    {
        var work = Path.Combine(_work, Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(work);
            return await prepare(work);
        }
        catch (IOException failure)
        {
            throw new ImageException($"the image could not be written to {_options.Directory}: {failure.Message}", failure);
        }
        finally
        {
            DirectoryRemover.Remove(work);
        }
    }

    private async Task<PreparedImage> PullAsync(ImageReference reference, string work, Action<ImageProgress> report, CancellationToken cancel)
    {
        var pull = new ImagePull(_loop, _options, reference, work, _blobs, report);
        try
        {
            // 1. Its layers and what they are; nothing is fetched twice.
            var digest = await pull.CopyAsync(cancel);
            var blobs = pull.Blobs(digest);
            var configuration = pull.Configuration(blobs);

            // 2. Its files, unless they are there.
            if (await TryTouchAsync(digest, reference.Text) is { } known)
                return known;
            await pull.UnpackAsync(cancel);
            return await PublishAsync(work, new ImageRecord(ImageRecord.CurrentVersion, "sha256:" + digest, [], 0, default, blobs, configuration), reference.Text);
        }
        catch (DiskFullException)
        {
            // What has arrived cannot be completed; it must not keep the disk full.
            TryRemoveUnusedBlobs();
            throw;
        }
    }

    private async Task<PreparedImage> UnpackCodeAsync(CodePackage code, string work, Action<ImageProgress> report, CancellationToken cancel)
    {
        var digest = await code.DigestAsync(cancel);
        if (await TryTouchAsync(digest, code.ToString()) is { } known)
            return known;
        report(new ImageProgress(ImageStage.Unpacking, 0, 0));
        var target = Path.Combine(work, ImageRecord.CodeName);
        await Task.Run(() => CodeArchive.Unpack(code.ArchivePath, target, cancel), cancel);
        return await PublishAsync(work, new ImageRecord(ImageRecord.CurrentVersion, "sha256:" + digest, [], 0, default, [], code.Configuration(target)), code.ToString());
    }

    private async Task<PreparedImage?> TryTouchAsync(string hex, string reference)
    {
        using var held = await HoldImagesAsync();
        var directory = Path.Combine(_options.Directory, hex);
        if (ImageRecord.TryRead(directory) is not { } record)
            return null;
        record.Asked(reference, _options.Time.GetUtcNow()).Write(directory);
        return record.Image(directory);
    }

    private async Task<PreparedImage> PublishAsync(string work, ImageRecord record, string reference)
    {
        var directory = DirectoryOf(record.Digest);
        record = record with { Bytes = SizeOf(work) };
        record.Asked(reference, _options.Time.GetUtcNow()).Write(work);

        // After a loss of power the record must not be there without all that it speaks of.
        using (var whole = Descriptor.Open(work, Libc.O_RDONLY | Libc.O_DIRECTORY))
            whole.SyncFileSystem();
        using var held = await HoldImagesAsync();

        // Somebody may have asked for the same image by another name meanwhile.
        if (ImageRecord.TryRead(directory) is { } other)
        {
            other.Asked(reference, _options.Time.GetUtcNow()).Write(directory);
            return other.Image(directory);
        }

        DirectoryRemover.Remove(Path.Combine(work, ImagePull.LayoutName));
        DirectoryRemover.Remove(directory);
        Directory.Move(work, directory);
        return record.Image(directory);
    }

    private async Task RemoveAsync(string digest)
    {
        // Out of sight in one step; what is left of it after a crash is in work/.
        var doomed = Path.Combine(_work, Guid.NewGuid().ToString("N"));
        using (await HoldImagesAsync())
            Directory.Move(DirectoryOf(digest), doomed);
        await Task.Run(() => DirectoryRemover.Remove(doomed));
    }

    private async Task WithoutPreparationsAsync(Func<Task> work, CancellationToken cancel)
    {
        using var alone = await HoldAsync(_pruning, cancel);
        var taken = 0;
        try
        {
            for (; taken < Slots; taken++)
                await _slots.WaitAsync(cancel);
            await work();
        }
        finally
        {
            if (taken > 0)
                _slots.Release(taken);
        }
    }

    // Only when no other preparation may be about to use them; otherwise the next pruning does.
    private void TryRemoveUnusedBlobs()
    {
        var taken = 0;
        while (taken < Slots - 1 && _slots.Wait(0))
            taken++;
        if (taken == Slots - 1)
            RemoveUnusedBlobs();
        if (taken > 0)
            _slots.Release(taken);
    }

    private void RemoveUnusedBlobs()
    {
        var directory = Path.Combine(_blobs, "sha256");
        if (!Directory.Exists(directory))
            return;
        var used = Records().SelectMany(found => found.Record.Blobs).ToHashSet();
        foreach (var blob in Directory.EnumerateFiles(directory).Where(file => !used.Contains(Path.GetFileName(file))))
            File.Delete(blob);
    }

    private IEnumerable<(string Directory, ImageRecord Record)> Records() =>
        from directory in Directory.EnumerateDirectories(_options.Directory)
        let record = ImageRecord.TryRead(directory)
        where record is not null
        select (directory, record);

    // What comes from outside must not lead anywhere else.
    private string DirectoryOf(string digest) => Path.Combine(_options.Directory, digest.StartsWith("sha256:", StringComparison.Ordinal) && digest["sha256:".Length..].All(char.IsAsciiHexDigitLower)
        ? digest["sha256:".Length..]
        : "unknown");

    private Task<IDisposable> HoldImagesAsync() => HoldAsync(_images, CancellationToken.None);

    private static async Task<IDisposable> HoldAsync(SemaphoreSlim semaphore, CancellationToken cancel)
    {
        await semaphore.WaitAsync(cancel);
        return new Hold(semaphore);
    }

    private static long SizeOf(string directory)
    {
        // Symbolic links would lead out of it.
        var withoutLinks = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        return new DirectoryInfo(directory).EnumerateFiles("*", withoutLinks).Sum(file => file.Length);
    }

    private sealed class Hold(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }
}
