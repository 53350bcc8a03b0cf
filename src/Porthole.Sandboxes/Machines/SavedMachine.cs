using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// The files of a suspended machine in its directory, beside its disk: the pages of memory that it changed, the memory of the template that it
/// was copied from, the state of its devices, and the disks that it shares with others. Readable by the server's user only.
/// </summary>
internal sealed class SavedMachine(string directory)
{
    // QEMU's state of devices has some ten kilobytes. It comes from QEMU, which is not believed.
    private const long MostStateBytes = 16L << 20;

    private const string DiskName = "disk.ext4";

    /// <summary>What the machine changed of its template's memory.</summary>
    private string Memory => Path.Combine(directory, "memory");

    /// <summary>The template's memory.</summary>
    public string Template => Path.Combine(directory, "template");

    /// <summary>The devices.</summary>
    public string Devices => Path.Combine(directory, "devices");

    /// <summary>The disks that it shares with others: one more name of each, so that they stay when others need them no more.</summary>
    private string Root => Path.Combine(directory, "root");

    private string Code => Path.Combine(directory, "code");

    /// <summary>Writes all of them, through to the disk.</summary>
    /// <param name="processId">QEMU, which is paused.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="devices">What QEMU said of the devices.</param>
    /// <param name="templates">Where templates are kept.</param>
    /// <returns>The machine as it is to be loaded.</returns>
    /// <exception cref="IOException">The disk is full, or QEMU has ended.</exception>
    public MachineCopy Write(int processId, MachineCopy machine, Descriptor devices, SavedTemplates templates)
    {
        templates.Save(machine.Template, $"/proc/{processId}/fd/{MachineLauncher.FirstDescriptor}", Template);
        using (var memory = MachineMemory.Open(processId, MachineLauncher.FirstDescriptor))
        using (var file = Create(Memory))
        {
            memory.SaveChanges(file);
            file.Flush(flushToDisk: true);
        }

        using (var file = Create(Devices))
        {
            CopyDevices(devices, file);
            file.Flush(flushToDisk: true);
        }

        Descriptor.Sync(Path.Combine(directory, DiskName));
        var disks = machine.Description.Disks;
        return machine with
        {
            Description = machine.Description with { Disks = disks with { Root = Keep(disks.Root, Root), Code = disks.Code is null ? null : Keep(disks.Code, Code) } },
        };
    }

    /// <summary>Gives a machine that waits for its state the memory that it had.</summary>
    /// <exception cref="IOException">A file is missing or damaged, or QEMU has ended.</exception>
    public void LoadMemory(int processId)
    {
        using var memory = MachineMemory.Open(processId, MachineLauncher.FirstDescriptor);
        using var file = File.OpenRead(Memory);
        memory.Load(file);
    }

    /// <summary>Removes what is of no use to a machine that runs; the disks it has open under these names.</summary>
    public void Remove()
    {
        File.Delete(Memory);
        File.Delete(Devices);
        File.Delete(Template);
    }

    private static FileStream Create(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, BufferSize = 0 });

    private static void CopyDevices(Descriptor devices, FileStream file)
    {
        using var source = File.OpenRead($"/proc/self/fd/{devices.Number}");
        if (source.Length is 0 or > MostStateBytes)
            throw new IOException($"QEMU's state of the devices has {source.Length} bytes");
        source.CopyTo(file);
    }

    // On another file system there is no second name; then it has to stay where it is.
    private static string Keep(string disk, string name)
    {
        if (disk == name)
            return disk;
        File.Delete(name);
        if (Libc.Link(disk, name) == 0)
            return name;
        return Errno.Last == Errno.EXDEV ? disk : throw PosixException.FromLast($"name {disk} as {name}");
    }
}
