using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>Gets Debian's kernel for clouds by apt, which knows the host's mirrors and keys, and unpacks it; nothing is installed.</summary>
internal sealed partial class KernelPackage(EventLoop loop, SandboxOptions options)
{
    private const string Package = "linux-image-cloud-amd64";

    /// <summary>Unpacks the newest kernel into a directory.</summary>
    /// <exception cref="SandboxException">apt cannot get it; the message says why.</exception>
    public async Task UnpackAsync(string directory, CancellationToken cancel)
    {
        // The package itself is empty, and depends on the one of the present version.
        var name = Matched(Dependency(), await RunAsync("apt-cache", ["depends", Package], cancel), "names no kernel: run apt-get update, or install one");
        var described = Described().Match(await RunAsync("apt-get", ["download", "--print-uris", name], cancel));
        if (!described.Success)
            throw new SandboxException($"apt knows no checksum of {name}: run apt-get update");
        options.Report($"downloading {name}, {long.Parse(described.Groups["size"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) >> 20} MB");
        var work = Path.Combine(options.MachineDirectory, $"download-{Guid.NewGuid():N}");
        Directory.CreateDirectory(work);
        try
        {
            // It downloads into the directory where it runs.
            await RunAsync("sh", ["-c", "cd \"$1\" && apt-get -q download \"$2\"", "sh", work, name], cancel);
            var file = Directory.EnumerateFiles(work, "*.deb").Single();
            await CheckAsync(file, described.Groups["sha256"].Value, cancel);
            options.Report($"unpacking {Path.GetFileName(file)}, SHA-256 {described.Groups["sha256"].Value}");
            var unpacked = Path.Combine(work, "kernel");
            await RunAsync("dpkg-deb", ["-x", file, unpacked], cancel);
            DirectoryRemover.Remove(directory);
            Directory.Move(unpacked, directory);
        }
        finally
        {
            DirectoryRemover.Remove(work);
        }
    }

    private static async Task CheckAsync(string file, string expected, CancellationToken cancel)
    {
        await using var content = File.OpenRead(file);
        var found = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel));
        if (found != expected)
            throw new SandboxException($"{Path.GetFileName(file)} has the checksum {found}, and not {expected}");
    }

    private async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancel)
    {
        var path = HostTool.Find(program) ?? throw new SandboxException($"{program} is missing: put a kernel with its modules into {options.MachineDirectory}/kernel, as boot/vmlinuz-… and lib/modules/…");
        var (succeeded, output) = await HostCommand.RunAsync(loop, [path, .. arguments], cancel);
        return succeeded ? output : throw new SandboxException($"{program} failed: {output}");
    }

    private static string Matched(Regex pattern, string text, string otherwise) =>
        pattern.Match(text) is { Success: true } match ? match.Groups[1].Value : throw new SandboxException($"apt {otherwise}");

    [GeneratedRegex(@"Depends: (linux-image-\S+)")]
    private static partial Regex Dependency();

    [GeneratedRegex(@"'\S+' \S+ (?<size>\d+) SHA256:(?<sha256>[0-9a-f]{64})")]
    private static partial Regex Described();
}
