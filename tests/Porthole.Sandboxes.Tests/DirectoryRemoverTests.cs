using System.Diagnostics;

namespace Porthole.Sandboxes.Tests;

public sealed class DirectoryRemoverTests
{
    [Fact]
    public void A_hostile_tree_goes_and_what_it_points_to_stays()
    {
        var root = Directory.CreateTempSubdirectory("porthole-remover-").FullName;
        var outside = Path.Combine(root, "outside");
        var tree = Path.Combine(root, "tree");
        Directory.CreateDirectory(outside);
        File.WriteAllText(Path.Combine(outside, "precious"), "");

        // Deeper than any path may be long, closed to its owner, with names like our own and links that lead out.
        Run($"""
            mkdir -p '{tree}/closed/inner' '{tree}/.removed-1/x' '{tree}/.removed-2' && ln -s '{outside}' '{tree}/link' && ln -s '{outside}' '{tree}/closed/inner/link'
            cd '{tree}' && i=0; while [ $i -lt 600 ]; do mkdir deep-deep-deep-deep-deep-deep && cd -P deep-deep-deep-deep-deep-deep || exit 1; i=$((i+1)); done; touch bottom
            mkfifo '{tree}/closed/fifo'; chmod 000 '{tree}/closed/inner' '{tree}/closed'
            """);

        DirectoryRemover.Remove(tree);

        Assert.False(Directory.Exists(tree));
        Assert.True(File.Exists(Path.Combine(outside, "precious")));
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public void What_does_not_exist_is_gone_already() => DirectoryRemover.Remove("/nonexistent/directory");

    private static void Run(string script)
    {
        using var shell = Process.Start("/bin/sh", ["-c", script]);
        Assert.True(shell.WaitForExit(Patience.Limit) && shell.ExitCode == 0);
    }
}
