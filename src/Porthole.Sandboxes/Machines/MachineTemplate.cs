using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// A machine that was booted and saved before anybody told it who it is. Copies map its memory and write to pages of their own. The memory is
/// sealed: QEMU opens it for writing, and who breaks out of one machine must not rewrite those of all others.
/// </summary>
internal sealed class MachineTemplate : IDisposable
{
    private readonly Descriptor _memory;
    private readonly Descriptor _state;

    private MachineTemplate(Descriptor memory, Descriptor state) => (_memory, _state) = (memory, state);

    /// <summary>Random: tells the copies of one template from those of others.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Options for a copy; its descriptors are <see cref="OpenForCopy"/>.</summary>
    public static IReadOnlyList<string> CopyOptions(MachineDescription machine) => [.. MemoryOptions(machine, shared: false), "-incoming", "defer"];

    /// <summary>
    /// Options for a machine that was suspended; its descriptors are the template's memory and the state of the devices. It stays paused when that
    /// is loaded. What QEMU writes of the devices alone (xen-save-devices-state) lacks what stands around it in other states.
    /// </summary>
    public static IReadOnlyList<string> ResumeOptions(MachineDescription machine) =>
        [.. CopyOptions(machine), "-S", "-global", "migration.send-configuration=off", "-machine", "suppress-vmdesc=on"];

    /// <summary>Boots a machine and saves it.</summary>
    /// <param name="machine">What it is.</param>
    /// <param name="launch">Starts it with more options and descriptors, in a sandbox of its own.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="SandboxException">It did not come up, or could not be saved.</exception>
    public static async Task<MachineTemplate> BuildAsync(
        MachineDescription machine, Func<IReadOnlyList<string>, IReadOnlyList<int>, Task<(Sandbox Sandbox, MachineLink Link)>> launch, CancellationToken cancel)
    {
        var memory = MakeFile("porthole-memory", machine.MemoryBytes);
        var state = MakeFile("porthole-state", 0);
        try
        {
            var (sandbox, link) = await launch([.. machine.BootArguments, .. MemoryOptions(machine, shared: true)], [memory.Number]);
            try
            {
                await SaveAsync(sandbox.Directory, link, state, cancel);
            }
            catch (SandboxException failure)
            {
                throw new SandboxException($"no template of a microVM could be made: {failure.Message}; {(await sandbox.KillAsync()).Detail}", failure);
            }
            finally
            {
                // Its pages must not be mapped for writing any more when they are sealed.
                await sandbox.KillAsync();
            }

            Seal(memory);
            Seal(state);
            return new MachineTemplate(memory, state);
        }
        catch
        {
            memory.Dispose();
            state.Dispose();
            throw;
        }
    }

    /// <summary>The descriptors of a copy: the memory, and the state, which is read from its beginning.</summary>
    public (Descriptor Memory, Descriptor State) OpenForCopy() => (Again(_memory), Again(_state));

    /// <summary>The memory alone.</summary>
    public Descriptor OpenMemory() => Again(_memory);

    /// <summary>Reads the memory of a template from a file into a sealed one of the same kind.</summary>
    /// <exception cref="PosixException">The file is gone, or the host is out of memory.</exception>
    public static Descriptor Revive(string path)
    {
        using var file = Descriptor.Open(path, Libc.O_RDONLY);
        var memory = MakeFile("porthole-memory", 0);
        try
        {
            SparseFile.Copy(file, path, memory, "a template's memory");
            Seal(memory);
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Loads the state into a machine that was started with <see cref="CopyOptions"/>; it runs then, unless it was started paused.</summary>
    /// <param name="directory">Where its monitor is.</param>
    /// <param name="beforeState">Called when QEMU has made the machine and waits for its state; null for nothing.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="SandboxException">It does not fit.</exception>
    public static async Task LoadAsync(string directory, Action? beforeState, CancellationToken cancel)
    {
        using var monitor = await Monitor.ConnectAsync(directory, cancel);
        beforeState?.Invoke();
        await SetCapabilitiesAsync(monitor, cancel);
        await monitor.RunAsync("migrate-incoming", $$"""{"uri":"fd:{{MachineLauncher.FirstDescriptor + 1}}"}""", cancel);
        await monitor.WaitForMigrationAsync(cancel);
    }

    private static async Task SaveAsync(string directory, MachineLink link, Descriptor state, CancellationToken cancel)
    {
        await link.WaitUntilListeningAsync(cancel);
        using var monitor = await Monitor.ConnectAsync(directory, cancel);
        await SetCapabilitiesAsync(monitor, cancel);
        await monitor.RunAsync("getfd", """{"fdname":"state"}""", cancel, state);
        await monitor.RunAsync("migrate", """{"uri":"fd:state"}""", cancel);
        await monitor.WaitForMigrationAsync(cancel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _state.Dispose();
    }

    // x-ignore-shared: memory that lies in a file is not part of the state. Both ends must say so.
    private static Task SetCapabilitiesAsync(Monitor monitor, CancellationToken cancel) => monitor.RunAsync(
        "migrate-set-capabilities",
        """{"capabilities":[{"capability":"x-ignore-shared","state":true},{"capability":"events","state":true}]}""",
        cancel);

    private static string[] MemoryOptions(MachineDescription machine, bool shared) =>
    [
        "-object",
        $"memory-backend-file,id=memory,size={machine.MemoryBytes},mem-path=/proc/self/fd/{MachineLauncher.FirstDescriptor},share={(shared ? "on" : "off")},reserve=off",
    ];

    /// <summary>A file of zeros in memory, of which only what is written takes any.</summary>
    internal static Descriptor MakeFile(string name, long bytes)
    {
        var file = new Descriptor(Libc.MemFdCreate(name, Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING));
        return !file.IsInvalid && Libc.FTruncate(file.Number, bytes) == 0 ? file : throw PosixException.FromLast("make a file in memory");
    }

    private static void Seal(Descriptor file)
    {
        if (Libc.Fcntl(file.Number, Libc.F_ADD_SEALS, Libc.F_SEAL_WRITE | Libc.F_SEAL_GROW | Libc.F_SEAL_SHRINK | Libc.F_SEAL_SEAL) < 0)
            throw PosixException.FromLast("seal a template");
    }

    /// <summary>Opens a file in memory once more: an open file of its own has an offset of its own.</summary>
    public static Descriptor Again(Descriptor file) => Descriptor.Open($"/proc/self/fd/{file.Number}", Libc.O_RDONLY);
}
