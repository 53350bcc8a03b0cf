using System.Text.Json;
using System.Text.Json.Serialization;

namespace Porthole.Sandboxes.Images;

/// <summary>What the store writes down beside an unpacked image. An image without it does not exist.</summary>
/// <param name="Version">Version of this document.</param>
/// <param name="Digest">See <see cref="PreparedImage.Digest"/>.</param>
/// <param name="References">See <see cref="StoredImage.References"/>.</param>
/// <param name="Bytes">See <see cref="StoredImage.Bytes"/>.</param>
/// <param name="PreparedAt">See <see cref="StoredImage.PreparedAt"/>.</param>
/// <param name="Blobs">Digests of its manifest, configuration and layers, without "sha256:".</param>
/// <param name="Configuration">How its program is run.</param>
internal sealed record ImageRecord(
    int Version, string Digest, IReadOnlyList<string> References, long Bytes, DateTimeOffset PreparedAt, IReadOnlyList<string> Blobs, ImageConfiguration Configuration)
{
    public const int CurrentVersion = 1;

    /// <summary>Names of the unpacked root file system, and of unpacked code, beside the record.</summary>
    public const string RootName = "root", CodeName = "code";

    // As many as people may want to see; a tag that moves with each build must not make this grow for ever.
    private const int MostReferences = 20;

    private const string FileName = "image.json";

    /// <summary>Reads the record of an image's directory; null when there is none that this version understands.</summary>
    public static ImageRecord? TryRead(string directory)
    {
        try
        {
            var record = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(directory, FileName)), ImageRecordJson.Default.ImageRecord);
            return record?.Version == CurrentVersion ? record : null;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces the record in one step.</summary>
    public void Write(string directory)
    {
        var path = Path.Combine(directory, FileName);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(this, ImageRecordJson.Default.ImageRecord));
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>The same, asked for once more.</summary>
    public ImageRecord Asked(string reference, DateTimeOffset now) =>
        this with { References = [.. References.Where(known => known != reference).TakeLast(MostReferences - 1), reference], PreparedAt = now };

    /// <summary>What sessions are started from.</summary>
    public PreparedImage Image(string directory) => new(Digest, Existing(directory, RootName), Existing(directory, CodeName), Configuration);

    private static string? Existing(string directory, string name) => Path.Combine(directory, name) is var path && Directory.Exists(path) ? path : null;
}

/// <summary>Source-generated serialization of <see cref="ImageRecord"/>.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ImageRecord))]
internal sealed partial class ImageRecordJson : JsonSerializerContext;
