using System.Text.Json;
using System.Text.Json.Serialization;
using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>What runs the instructions of machines: the processor itself, by KVM, or QEMU's translator.</summary>
/// <param name="BootId">The boot of the host for which this was found out.</param>
/// <param name="Name">"kvm" or "tcg".</param>
/// <param name="Reason">For people: why not KVM; empty with KVM.</param>
internal sealed record Accelerator(string BootId, string Name, string Reason)
{
    // Above what a machine takes to start with KVM, many times over.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>Whether the processor itself runs them.</summary>
    [JsonIgnore]
    public bool IsHardware => Name == "kvm";

    /// <summary>
    /// Finds out by starting a machine, which is the only proof: there are hosts whose /dev/kvm makes virtual processors, and on which no kernel
    /// starts. The answer is kept until the host's next boot.
    /// </summary>
    /// <param name="loop">Watches the attempt.</param>
    /// <param name="directory">Where the answer is kept.</param>
    /// <param name="emulator">QEMU.</param>
    /// <param name="kernel">A kernel.</param>
    /// <param name="initialFileSystem">The guest, which says that it is there before it finds out that it has no disk.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task<Accelerator> FindAsync(EventLoop loop, string directory, string emulator, string kernel, string initialFileSystem, CancellationToken cancel)
    {
        var path = Path.Combine(directory, "accelerator.json");
        if (TryRead(path) is { } known && known.BootId == SandboxState.CurrentBootId)
            return known;
        var problem = File.Exists("/dev/kvm") ? await TryStartAsync(loop, emulator, kernel, initialFileSystem, cancel) : "there is no /dev/kvm";
        var found = new Accelerator(SandboxState.CurrentBootId, problem is null ? "kvm" : "tcg", problem ?? "");
        var unfinished = $"{path}.{Guid.NewGuid():N}";
        await File.WriteAllBytesAsync(unfinished, JsonSerializer.SerializeToUtf8Bytes(found, AcceleratorJson.Default.Accelerator), cancel);
        File.Move(unfinished, path, overwrite: true);
        return found;
    }

    private static async Task<string?> TryStartAsync(EventLoop loop, string emulator, string kernel, string initialFileSystem, CancellationToken cancel)
    {
        // A machine without disks: its guest says so, and turns it off.
        const string proof = "the machine cannot start";
        string[] command =
        [
            emulator, "-M", "microvm,acpi=on,rtc=on,pit=on,pic=on", "-accel", "kvm", "-cpu", "host", "-m", "256M",
            "-kernel", kernel, "-initrd", initialFileSystem, "-append", "console=ttyS0 quiet reboot=t panic=-1 -- machine",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        ];
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(Deadline);
        try
        {
            var (_, output) = await HostCommand.RunAsync(loop, command, late.Token);
            return output.Contains(proof, StringComparison.Ordinal) ? null : $"a machine did not start with KVM: {output}";
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return $"/dev/kvm is there, but a machine did not start with it within {Deadline.TotalSeconds} s";
        }
    }

    private static Accelerator? TryRead(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), AcceleratorJson.Default.Accelerator);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }
}

/// <summary>Source-generated serialization of <see cref="Accelerator"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Accelerator))]
internal sealed partial class AcceleratorJson : JsonSerializerContext;
