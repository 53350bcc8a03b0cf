using System.Runtime.InteropServices;
using System.Text.Json;

namespace Porthole.Sandboxes.Images;

/// <summary>
/// A directory with one image in the OCI image layout (image-spec, image-layout.md), whose blobs lie in a directory that layouts share.
/// What is in it has been checked against its digests by skopeo, but comes from a stranger nevertheless.
/// </summary>
internal sealed class OciLayout(string directory, string blobs)
{
    // Documents are small; a registry that sends others wants to fill our memory.
    private const long MaximumDocumentBytes = 8 << 20;
    private const string Algorithm = "sha256:";

    /// <summary>The tag under which the image lies there.</summary>
    public const string Tag = "image";

    /// <summary>The directory.</summary>
    public string Directory => directory;

    /// <summary>Makes an empty one.</summary>
    public static OciLayout Create(string directory, string blobs)
    {
        System.IO.Directory.CreateDirectory(directory);
        System.IO.Directory.CreateDirectory(Path.Combine(blobs, "sha256"));
        File.CreateSymbolicLink(Path.Combine(directory, "blobs"), blobs);
        return new OciLayout(directory, blobs);
    }

    /// <summary>The digest of the image that was copied to it.</summary>
    /// <exception cref="ImageException">There is none.</exception>
    public string Digest() => Read(Path.Combine(directory, "index.json"), index => Hex(index.GetProperty("manifests")[0]));

    /// <summary>Digests of the manifest, the configuration and the layers, in this order, without "sha256:".</summary>
    public IReadOnlyList<string> Blobs(string manifest) =>
        Read(Blob(manifest), document => (string[])[manifest, Hex(document.GetProperty("config")), .. document.GetProperty("layers").EnumerateArray().Select(Hex)]);

    /// <summary>Reads how the image's program is run, and refuses an image for other machines.</summary>
    /// <exception cref="ImageException">It is malformed, or for another system or processor.</exception>
    public ImageConfiguration Configuration(string config) => Read(Blob(config), document =>
    {
        var (system, architecture) = (Text(document, "os"), Text(document, "architecture"));
        if ((system.Length > 0 && system != "linux") || (architecture.Length > 0 && architecture != HostArchitecture))
            throw new ImageException($"the image is for {system}/{architecture}, and this host is linux/{HostArchitecture}: build or name one for it");
        if (!document.TryGetProperty("config", out var config) || config.ValueKind != JsonValueKind.Object)
            return ImageConfiguration.Empty;
        var directory = Text(config, "WorkingDir");
        return new ImageConfiguration(
            Texts(config, "Entrypoint"), Texts(config, "Cmd"), [.. Texts(config, "Env").Where(entry => entry.IndexOf('=', StringComparison.Ordinal) > 0)],
            directory.StartsWith('/') ? directory : "/" + directory, Text(config, "User"));
    });

    /// <summary>Sizes of an image's layers by their digests, from a manifest as a registry sends it; empty for an index of several.</summary>
    public static IReadOnlyDictionary<string, long> LayerSizes(string manifestFile) => Read(manifestFile, manifest =>
    {
        var sizes = new Dictionary<string, long>();
        if (manifest.TryGetProperty("layers", out var layers) && layers.ValueKind == JsonValueKind.Array)
        {
            foreach (var layer in layers.EnumerateArray())
                sizes[Hex(layer)] = layer.GetProperty("size").GetInt64();
        }

        return sizes;
    });

    /// <summary>In an index of several images, the digest of the one for this machine; null when it is no index, or has none.</summary>
    public static string? ForThisHost(string manifestFile) => Read(manifestFile, index =>
    {
        if (!index.TryGetProperty("manifests", out var manifests) || manifests.ValueKind != JsonValueKind.Array)
            return null;
        var found = manifests.EnumerateArray().FirstOrDefault(
            entry => entry.TryGetProperty("platform", out var platform) && Text(platform, "os") == "linux" && Text(platform, "architecture") == HostArchitecture);
        return found.ValueKind == JsonValueKind.Object ? Algorithm + Hex(found) : null;
    });

    // The names of Go, which the image-spec uses.
    private static string HostArchitecture => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        var other => other.ToString().ToLowerInvariant(),
    };

    private string Blob(string digest) => Path.Combine(blobs, "sha256", digest);

    private static string Hex(JsonElement descriptor)
    {
        var digest = descriptor.GetProperty("digest").GetString() ?? "";

        // It becomes a file name.
        const int hexDigits = 64;
        return digest.StartsWith(Algorithm, StringComparison.Ordinal) && digest.Length == Algorithm.Length + hexDigits && digest[Algorithm.Length..].All(char.IsAsciiHexDigitLower)
            ? digest[Algorithm.Length..]
            : throw new ImageException("the image's manifest names something by another digest than SHA-256: this server checks no other");
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static string[] Texts(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.String).Select(entry => entry.GetString()!)]
            : [];

    private static T Read<T>(string file, Func<JsonElement, T> read)
    {
        try
        {
            if (new FileInfo(file).Length > MaximumDocumentBytes)
                throw new ImageException($"the image's manifest or configuration is larger than {MaximumDocumentBytes >> 20} MB");
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            return read(document.RootElement);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or FormatException)
        {
            throw new ImageException($"the image's manifest or configuration is malformed: {malformed.Message}", malformed);
        }
    }
}
