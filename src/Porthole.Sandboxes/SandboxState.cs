using System.Text.Json;
using System.Text.Json.Serialization;
using Porthole.Posix;
using Porthole.Sandboxes.Machines;

namespace Porthole.Sandboxes;

/// <summary>
/// What a later server must know to take over a running sandbox, or to clear away what is left of one. Kept in the session's directory.
/// </summary>
/// <param name="Version">Version of this document; another one cannot be adopted.</param>
/// <param name="Id">Random, in the environment of all processes that hold the sandbox together: finds them when their numbers are not known.</param>
/// <param name="BootId">The kernel's boot: no process outlives it.</param>
/// <param name="HostName">What the sandbox calls itself.</param>
/// <param name="Limits">What it may use.</param>
/// <param name="Egress">Whether it shall reach the world.</param>
/// <param name="UserId">The user id that it has for itself; null when it runs as the server's own.</param>
/// <param name="Outer">bubblewrap outside; null until it runs.</param>
/// <param name="Inner">The first process inside; null until it runs.</param>
/// <param name="Network">The user-mode network; null when there is none.</param>
/// <param name="Cgroups">Directories of its control groups.</param>
/// <param name="Isolation">What stands between it and the host.</param>
/// <param name="MustHalt">Whether it holds back what outlives it: it is asked to write that before it is ended.</param>
/// <param name="Machine">The machine that it is; null when it is none.</param>
/// <param name="Suspension">Whether it was taken from running.</param>
internal sealed record SandboxState(
    int Version,
    string Id,
    string BootId,
    string HostName,
    SandboxLimits Limits,
    bool Egress,
    uint? UserId,
    ProcessIdentity? Outer,
    ProcessIdentity? Inner,
    ProcessIdentity? Network,
    IReadOnlyList<string> Cgroups,
    Isolation Isolation = Isolation.Namespace,
    bool MustHalt = false,
    MachineCopy? Machine = null,
    Suspension Suspension = Suspension.None)
{
    /// <summary>The version that this code writes and reads.</summary>
    public const int CurrentVersion = 1;

    private const string FileName = "state.json";

    /// <summary>The present boot's id.</summary>
    public static string CurrentBootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Reads the state of a session's directory.</summary>
    /// <returns>Null when there is none, or only a part of one.</returns>
    public static SandboxState? TryRead(string directory)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(directory, FileName)), SandboxStateJson.Default.SandboxState);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Replaces the state in one step: a reader sees the old one or the new one. It is not forced to the disk, because it means nothing
    /// after a reboot, and a killed server loses nothing that the kernel was given.
    /// </summary>
    /// <exception cref="IOException">The disk is full; the old state is still there.</exception>
    public void Write(string directory)
    {
        var path = Path.Combine(directory, FileName);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(this, SandboxStateJson.Default.SandboxState));
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>As <see cref="Write"/>, and waits until the disk has it, for what shall outlive the host's next boot.</summary>
    /// <exception cref="IOException">The disk is full; the old state is still there.</exception>
    public void WriteThrough(string directory)
    {
        var path = Path.Combine(directory, FileName);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(this, SandboxStateJson.Default.SandboxState));
        Descriptor.Sync(path + ".new");
        File.Move(path + ".new", path, overwrite: true);
        Descriptor.Sync(directory);
    }
}

/// <summary>Whether a sandbox runs.</summary>
internal enum Suspension
{
    /// <summary>It runs, or has ended.</summary>
    None,

    /// <summary>It is paused, on its way to the disk or back; whoever finds it lets it run on.</summary>
    Paused,

    /// <summary>It lies on the disk, whole; what may be left of its processes is of no use any more.</summary>
    Saved,
}

/// <summary>Source-generated serialization of <see cref="SandboxState"/>: no reflection on the start path.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(SandboxState))]
internal sealed partial class SandboxStateJson : JsonSerializerContext;
