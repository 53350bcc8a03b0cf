using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>Storage that outlives sandboxes, as a disk image: made once, and opened by one sandbox at a time, whatever isolates it.</summary>
internal static class StorageDisk
{
    // The last user may have ended a moment ago, and be on its way out. As in Porthole.Launch/LoopImage.cs.
    private const int LockAttempts = 250;
    private static readonly TimeSpan LockRetry = TimeSpan.FromMilliseconds(20);

    /// <summary>The image of a storage.</summary>
    public static string PathOf(SandboxMount mount) => mount.Storage + ".ext4";

    /// <summary>Makes the image when it is missing.</summary>
    /// <exception cref="SandboxException">The host's disk is full.</exception>
    public static async Task EnsureAsync(SandboxMount mount, DiskImages disks, CancellationToken cancel)
    {
        if (!File.Exists(PathOf(mount)))
            await disks.CreateLastingAsync(PathOf(mount), mount.Bytes, cancel);
    }

    /// <summary>Opens it for one sandbox, which has it alone for as long as any process has what was opened: two at once would destroy it.</summary>
    /// <exception cref="SandboxException">Another sandbox has it.</exception>
    public static async Task<Descriptor> OpenAsync(SandboxMount mount, CancellationToken cancel)
    {
        var file = Descriptor.Open(PathOf(mount), Libc.O_RDWR);
        try
        {
            for (var attempt = 0; Libc.Flock(file.Number, Libc.LOCK_EX | Libc.LOCK_NB) < 0; attempt++)
            {
                if (Errno.Last != Errno.EAGAIN || attempt == LockAttempts)
                    throw new SandboxException($"{PathOf(mount)} cannot be had for this session alone: {Errno.Describe(Errno.Last)}");
                await Task.Delay(LockRetry, cancel);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
