using System.Security.Cryptography;
using System.Text;

namespace Porthole.Sandboxes.Images;

/// <summary>
/// Code to run on the host's tools: a zip with an entry point for Python or Node.js, which sessions see unpacked and read-only at
/// <see cref="PreparedImage.CodePath"/>.
/// </summary>
public sealed record CodePackage
{
    private CodePackage(string archivePath, CodeRuntime runtime, string requested, IReadOnlyList<string> entryPoint) =>
        (ArchivePath, Runtime, Requested, EntryPoint) = (archivePath, runtime, requested, entryPoint);

    /// <summary>The zip.</summary>
    public string ArchivePath { get; }

    /// <summary>What runs it.</summary>
    public CodeRuntime Runtime { get; }

    /// <summary>The runtime as it was asked for, such as PYTHON_3_13.</summary>
    public string Requested { get; }

    /// <summary>The file to run in the zip, after a program that runs the interpreter with it, if there are two.</summary>
    public IReadOnlyList<string> EntryPoint { get; }

    /// <summary>Reads the fields of a codeConfiguration (contract section 12.1), for which a bucket is a directory of the server's machine.</summary>
    /// <param name="bucket">The absolute path of a directory.</param>
    /// <param name="prefix">The zip's path in it.</param>
    /// <param name="runtime">PYTHON_3_10 to PYTHON_3_14, NODE_22 and their like.</param>
    /// <param name="entryPoint">One or two words: the file to run in the zip, after a program that runs the interpreter with it, if any.</param>
    /// <exception cref="ImageException">A field cannot be used; the message names it.</exception>
    public static CodePackage Parse(string bucket, string prefix, string runtime, IReadOnlyList<string> entryPoint)
    {
        ArgumentNullException.ThrowIfNull(entryPoint);
        if (!Path.IsPathFullyQualified(bucket) || bucket.Any(char.IsControl))
            throw new ImageException($"code.s3.bucket \"{bucket}\": give the absolute path of a directory on the server's machine");
        var directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(bucket));
        var path = Path.GetFullPath(Path.Combine(directory, prefix));
        if (!path.StartsWith(directory + "/", StringComparison.Ordinal) || prefix.Any(char.IsControl))
            throw new ImageException($"code.s3.prefix \"{prefix}\": give the path of a zip in {directory}");
        if (entryPoint.Count is < 1 or > 2 || entryPoint.Any(word => word.Length == 0))
            throw new ImageException("entryPoint: give the file to run, or a program and the file");
        if (entryPoint[^1].StartsWith('/') || entryPoint[^1].Split('/').Contains(".."))
            throw new ImageException($"entryPoint: \"{entryPoint[^1]}\" is no path in the zip");
        return new CodePackage(path, ParseRuntime(runtime), runtime, entryPoint);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{ArchivePath} ({Requested}: {string.Join(' ', EntryPoint)})";

    /// <summary>Names the archive's content together with how it is run, in 64 hexadecimal digits.</summary>
    /// <exception cref="ImageException">The archive does not exist or is too large.</exception>
    internal async Task<string> DigestAsync(CancellationToken cancel)
    {
        CodeArchive.CheckSize(ArchivePath);
        await using var archive = File.OpenRead(ArchivePath);
        var content = Convert.ToHexStringLower(await SHA256.HashDataAsync(archive, cancel));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{content}\n{Requested}\n{string.Join('\n', EntryPoint)}")));
    }

    /// <summary>How the unpacked code is run.</summary>
    /// <exception cref="ImageException">The entry point is not in it, or the host lacks the interpreter.</exception>
    internal ImageConfiguration Configuration(string unpacked)
    {
        var file = EntryPoint[^1];
        if (!File.Exists(Path.Combine(unpacked, file)))
            throw new ImageException($"entryPoint: there is no {file} in {ArchivePath}");
        var interpreter = Interpreter();
        const string path = PreparedImage.CodePath;
        string[] variables = Runtime == CodeRuntime.Python ? [$"PYTHONPATH={path}"] : [];
        return new ImageConfiguration(
            EntryPoint.Count == 2 ? [EntryPoint[0], interpreter, file] : [interpreter, file], [],
            [$"PATH={path}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", .. variables], path, "");
    }

    private static CodeRuntime ParseRuntime(string runtime)
    {
        if (runtime.StartsWith("PYTHON_", StringComparison.Ordinal))
            return CodeRuntime.Python;
        if (runtime.StartsWith("NODE_", StringComparison.Ordinal))
            return CodeRuntime.Node;
        throw new ImageException($"runtime \"{runtime}\": give PYTHON_3_10 to PYTHON_3_14, or NODE_22");
    }

    // The version that was asked for where the host has it; sessions see /usr alone.
    private string Interpreter()
    {
        var name = Runtime == CodeRuntime.Python ? "python3" : "node";
        string[] candidates = Runtime == CodeRuntime.Python ? [Requested["PYTHON_".Length..].Replace('_', '.') is var version ? "python" + version : name, name] : [name];
        return candidates.Select(candidate => "/usr/bin/" + candidate).FirstOrDefault(File.Exists)
            ?? throw new ImageException($"{Requested} needs {name} on the server's host: install it with the host's package manager");
    }
}
