using System.Diagnostics;
using Porthole.Guest.Tests;
using Porthole.Sandboxes.Tests.Images;

namespace Porthole.Sandboxes.Tests;

/// <summary>
/// The tests of what holds for everybody, once more by an ordinary user. When the tests are run by one, they have been already.
/// </summary>
public sealed class OrdinaryUserTests
{
    // Not among them: limits of memory, processor and disk, which need control groups and disks that only root has here.
    private static readonly Type[] ForEverybody =
        [typeof(LifecycleTests), typeof(AdoptionTests), typeof(FailureTests), typeof(IsolationTests), typeof(NetworkTests), typeof(SeccompTests), typeof(ToolsTests), typeof(HostCheckTests),
            typeof(ImageSandboxTests), typeof(StorageTests)];

    // By dotnet with the assembly, instead of as a program of its own.
    private static bool IsHosted => Path.GetFileName(Environment.ProcessPath) == "dotnet";

    [Fact]
    public async Task The_same_holds_for_an_ordinary_user()
    {
        if (!Environment.IsPrivilegedProcess)
            return;

        // A place that this user can reach, wherever the repository is.
        var root = Directory.CreateTempSubdirectory("porthole-ordinary-").FullName;
        const uint user = 0x6F000000;
        try
        {
            // The tun device as udev would leave it; in mounts of its own, so that the host's stays as it is.
            var prepare = $"""
                set -e
                mkdir '{root}/tests' '{root}/programs' '{root}/tmp'
                cp -r '{AppContext.BaseDirectory}.' '{root}/tests'
                cp '{TestDriver.ProgramsDirectory}porthole-launch' '{GuestBinary.Path}' '{root}/programs'
                chown -R {user}:{user} '{root}'
                mkdir -p /dev/net
                mount -t tmpfs porthole-test /dev/net
                mknod -m 666 /dev/net/tun c 10 200
                cd '{root}/tests'
                export HOME='{root}' TMPDIR='{root}/tmp' {TestDriver.ProgramsVariable}='{root}/programs/' PORTHOLE_GUEST='{root}/programs/porthole-guest'
                exec setpriv --reuid={user} --regid={user} --clear-groups "$@"
                """;
            string[] command = ["--mount", "sh", "-c", prepare, "sh", Program(root), .. Arguments(root)];
            using var tests = Process.Start(new ProcessStartInfo("unshare", command) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = tests.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = tests.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await Task.WhenAll(output, errors).WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
            await tests.WaitForExitAsync(TestContext.Current.CancellationToken).InTime();
            Assert.True(tests.ExitCode == 0, $"ended with {tests.ExitCode}:\n{await output}{await errors}");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static string Program(string root) => IsHosted ? Environment.ProcessPath! : Path.Combine(root, "tests", Path.GetFileName(Environment.ProcessPath!));

    private static IEnumerable<string> Arguments(string root)
    {
        if (IsHosted)
            yield return "Porthole.Sandboxes.Tests.dll";
        foreach (var type in ForEverybody)
        {
            yield return "--filter-class";
            yield return type.FullName!;
        }

        yield return "--results-directory";
        yield return Path.Combine(root, "tmp");
    }
}
