namespace Porthole.Sandboxes.Machines;

/// <summary>
/// The disks of a machine in the order in which it finds them. What cannot be written is part of a template; of what is written a template has a
/// stand-in of the same size, in whose place a copy has its own.
/// </summary>
/// <param name="Root">Cannot be written: the host's programs, or an image.</param>
/// <param name="OwnBytes">Size of the disk that lies over it, and goes with the machine.</param>
/// <param name="Code">Cannot be written: code that is shown in a place of its own; null for none.</param>
/// <param name="StorageBytes">Sizes of those that outlive the machine.</param>
internal sealed record MachineDisks(string Root, long OwnBytes, string? Code, IReadOnlyList<long> StorageBytes)
{
    /// <summary>Where QEMU sees them.</summary>
    public const string RootPath = "/vm/root", OwnPath = "/vm/own", CodePath = "/vm/code";

    /// <summary>QEMU's options for them.</summary>
    /// <param name="firstStorage">Number of the first of the descriptors that storage is given as: no path leads to it.</param>
    public IEnumerable<string> Arguments(int firstStorage) =>
    [
        .. Disk("root", RootPath, isShared: true),
        .. Disk("own", OwnPath, isShared: false),
        .. Code is null ? [] : Disk("code", CodePath, isShared: true),
        .. StorageBytes.SelectMany((_, number) => (string[])
        [
            "-add-fd", $"fd={firstStorage + number},set={number + 1}", .. Disk($"storage{number}", $"/dev/fdset/{number + 1}", isShared: false),
        ]),
    ];

    /// <inheritdoc/>
    public bool Equals(MachineDisks? other) =>
        other is not null && Root == other.Root && OwnBytes == other.OwnBytes && Code == other.Code && StorageBytes.SequenceEqual(other.StorageBytes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Root, OwnBytes, Code, StorageBytes.Count);

    // Whoever may write a disk was made sure of before QEMU has it. What is deleted inside is given back to the host.
    private static string[] Disk(string name, string path, bool isShared)
    {
        var access = isShared ? "read-only=on" : "discard=unmap";
        return
        [
            "-blockdev", $"driver=file,node-name={name}-file,filename={path},locking=off,{access}",
            "-blockdev", $"driver=raw,node-name={name},file={name}-file,{access}",
            "-device", $"virtio-blk-device,drive={name}",
        ];
    }
}
