using Porthole.Posix;
using Porthole.Sandboxes.Images;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Images;

/// <summary>
/// The directories of the server's own machine that images and code may come from. Whoever may make runtimes must not thereby read what else
/// the server can read.
/// </summary>
/// <param name="inbox">The directory that is always one of them, and in which buckets with plain names lie.</param>
/// <param name="others">Absolute paths of those that the operator names.</param>
internal sealed class LocalSources(string inbox, IReadOnlyList<string> others)
{
    /// <summary>Reads an image reference.</summary>
    /// <exception cref="ImageException">It is none, or lies where nothing may come from.</exception>
    public ImageReference ParseImage(string text)
    {
        var image = ImageReference.Parse(text);
        if (image.LocalPath is { } path)
            Require(path);
        return image;
    }

    /// <summary>Reads a codeConfiguration: a bucket is a directory, by its absolute path or by its name in the inbox.</summary>
    /// <exception cref="ImageException">It cannot be used, or lies where nothing may come from.</exception>
    public CodePackage ParseCode(CodeConfiguration code)
    {
        var location = code.Code.S3
            ?? throw new ImageException("code.s3 is missing: give a bucket, which is a directory of the server's machine, and a prefix, which is a zip in it");
        var package = CodePackage.Parse(Path.Combine(inbox, location.Bucket), location.Prefix, code.Runtime, code.EntryPoint);
        Require(package.ArchivePath);
        return package;
    }

    // First by name: whether something outside exists is nobody's business. Then by where links lead.
    private void Require(string path)
    {
        if (!IsAllowed(Path.GetFullPath(path)) || (Resolve(path) is { } real && !IsAllowed(real)))
            throw new ImageException($"{path} lies in no directory that images and code may come from: put it into {inbox}, or have its directory allowed (porthole serve --allow-path)");
    }

    private bool IsAllowed(string path) => others.Prepend(inbox).Any(directory => IsIn(directory, path) || (Resolve(directory) is { } real && IsIn(real, path)));

    private static bool IsIn(string directory, string path) =>
        path == directory || path.StartsWith(Path.TrimEndingDirectorySeparator(directory) + "/", StringComparison.Ordinal);

    // As realpath(3) has it; null when it does not exist.
    private static string? Resolve(string path)
    {
        try
        {
            using var place = Descriptor.Open(path, Libc.O_PATH);
            return File.ResolveLinkTarget($"/proc/self/fd/{place.Number}", returnFinalTarget: false)?.FullName;
        }
        catch (PosixException)
        {
            return null;
        }
    }
}
