using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>Makes images as the OCI image layout has them, also such as no tool would make.</summary>
internal sealed class TestImage
{
    private readonly List<(byte[] Compressed, string DiffId)> _layers = [];

    public Dictionary<string, object> Config { get; } = [];

    public string Architecture { get; set; } = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.X64 ? "amd64" : "arm64";

    /// <summary>What a file needs to run: one static program with many names.</summary>
    public static TestImage Busybox(params string[] names) => new TestImage().Layer(tar =>
    {
        foreach (var directory in (string[])["bin/", "etc/", "home/", "home/agent/", "tmp/", "usr/", "var/"])
            tar.Directory(directory, directory == "home/agent/" ? 1000 : 0);
        tar.File("bin/busybox", File.ReadAllBytes("/bin/busybox"), Executable);
        foreach (var name in names.Concat(["sh", "ls", "cat", "id", "stat", "touch", "chown", "rm", "ln", "env", "pwd", "find", "mkdir", "readlink", "head", "hostname", "mount", "grep", "dd", "df", "sync", "sleep"]))
            tar.Link($"bin/{name}", "busybox");
        tar.File("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n"u8.ToArray());
        tar.File("etc/group", "root:x:0:\nagent:x:1000:\n"u8.ToArray());
    });

    public const UnixFileMode Executable = (UnixFileMode)0x1ED, Plain = (UnixFileMode)0x1A4;

    public TestImage Layer(Action<TarWriter> write)
    {
        using var raw = new MemoryStream();
        using (var tar = new TarWriter(raw, TarEntryFormat.Pax, leaveOpen: true))
            write(tar);
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(raw.GetBuffer(), 0, (int)raw.Length);
        _layers.Add((compressed.ToArray(), Digest(raw.ToArray())));
        return this;
    }

    /// <summary>Writes the image as a layout of its own with the tag "test"; gives its manifest's digest.</summary>
    public string Write(string directory)
    {
        Directory.CreateDirectory(Path.Combine(directory, "blobs", "sha256"));
        var config = Blob(directory, Json(new Dictionary<string, object>
        {
            ["os"] = "linux",
            ["architecture"] = Architecture,
            ["config"] = Config,
            ["rootfs"] = new { type = "layers", diff_ids = _layers.Select(layer => layer.DiffId) },
        }));
        var manifest = Blob(directory, Json(new
        {
            schemaVersion = 2,
            mediaType = "application/vnd.oci.image.manifest.v1+json",
            config = Descriptor("application/vnd.oci.image.config.v1+json", config),
            layers = _layers.Select(layer => Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", Blob(directory, layer.Compressed))).ToArray(),
        }));
        File.WriteAllText(Path.Combine(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllBytes(Path.Combine(directory, "index.json"), Json(new
        {
            schemaVersion = 2,
            manifests = new[]
            {
                new { mediaType = "application/vnd.oci.image.manifest.v1+json", digest = manifest.Digest, size = manifest.Size, annotations = new Dictionary<string, string> { ["org.opencontainers.image.ref.name"] = "test" } },
            },
        }));
        return manifest.Digest;
    }

    private static object Descriptor(string mediaType, (string Digest, long Size) blob) => new { mediaType, digest = blob.Digest, size = blob.Size };

    private static (string Digest, long Size) Blob(string directory, byte[] content)
    {
        var digest = Digest(content);
        File.WriteAllBytes(Path.Combine(directory, "blobs", "sha256", digest["sha256:".Length..]), content);
        return (digest, content.Length);
    }

    private static byte[] Json<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value);

    private static string Digest(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
}

/// <summary>Entries of layers in few words.</summary>
internal static class TarWriting
{
    public static void Directory(this TarWriter tar, string name, int owner = 0, UnixFileMode mode = TestImage.Executable) => tar.Add(new PaxTarEntry(TarEntryType.Directory, name), owner, mode);

    public static void File(this TarWriter tar, string name, byte[] content, UnixFileMode mode = TestImage.Plain, int owner = 0) =>
        tar.Add(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) }, owner, mode);

    public static void Link(this TarWriter tar, string name, string target) => tar.Add(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target }, 0, (UnixFileMode)0x1FF);

    public static void HardLink(this TarWriter tar, string name, string target) => tar.Add(new PaxTarEntry(TarEntryType.HardLink, name) { LinkName = target }, 0, TestImage.Plain);

    public static void Device(this TarWriter tar, string name, int major, int minor) =>
        tar.Add(new PaxTarEntry(TarEntryType.CharacterDevice, name) { DeviceMajor = major, DeviceMinor = minor }, 0, (UnixFileMode)0x1B6);

    public static void Add(this TarWriter tar, PaxTarEntry entry, int owner, UnixFileMode mode)
    {
        (entry.Uid, entry.Gid, entry.Mode) = (owner, owner, mode);
        tar.WriteEntry(entry);
    }
}
