using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Porthole.Guest.Tests;

/// <summary>The program under test as it ships: published ahead of time. PORTHOLE_GUEST names one that is published already.</summary>
internal static class GuestBinary
{
    private static readonly Lazy<string> Published = new(Publish);

    public static string Path => Environment.GetEnvironmentVariable("PORTHOLE_GUEST") is { Length: > 0 } given ? given : Published.Value;

    private static string Publish()
    {
        var root = System.IO.Path.GetFullPath(System.IO.Path.Combine(SourceDirectory(), "..", ".."));
        var output = System.IO.Path.Combine(root, "out", "guest");
        using var build = Process.Start(new ProcessStartInfo("dotnet", ["publish", System.IO.Path.Combine(root, "src", "Porthole.Guest"),
            "-c", "Release", "-r", "linux-" + RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(), "-o", output, "-v", "quiet", "--nologo"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // The runner's own build server settings must not leak into this build.
            Environment = { ["MSBUILDDISABLENODEREUSE"] = "1" },
        })!;
        var errors = build.StandardError.ReadToEndAsync();
        var text = build.StandardOutput.ReadToEnd() + errors.Result;
        build.WaitForExit();
        return build.ExitCode == 0 ? System.IO.Path.Combine(output, "porthole-guest") : throw new InvalidOperationException("publish failed: " + text);
    }

    private static string SourceDirectory([CallerFilePath] string file = "") => System.IO.Path.GetDirectoryName(file)!;
}
