using System.Diagnostics;

namespace Porthole.Cli.Tests;

public sealed class CompletionTests
{
    private static readonly Lazy<Task<string>> BashScript = new(async () => (await PortholeProcess.RunAsync(["completion", "bash"])).Output);

    [Theory]
    [InlineData("porthole se", "serve session setup")]
    [InlineData("porthole session ", "forget list resume stop suspend --help -h")]
    [InlineData("porthole session list --js", "--json")]
    [InlineData("porthole env --format ", "sh json dotenv")]
    [InlineData("porthole env --format d", "dotenv")]
    [InlineData("porthole shell --runtime serve --se", "--session-id")]
    [InlineData("porthole exec --session-id ", "live-1 live-2")]
    [InlineData("porthole exec -- --se", "")]
    [InlineData("porthole completion ", "bash zsh fish --help -h")]
    [InlineData("porthole serve --data-dir /et", "/etc")]
    [InlineData("porthole serve --config /etc/host", "/etc/host.conf /etc/hostname /etc/hosts")]
    public async Task Bash_completes(string typed, string expected)
    {
        var script = await BashScript.Value;

        // In place of the program: it is only asked for the sessions that live.
        var driver = $$"""
            {{script}}
            porthole() { [ "$1 $2 $3" = "session list --ids" ] && printf 'live-1\nlive-2\n'; }
            compopt() { :; } # bash has it only while it completes
            line=$1
            read -ra COMP_WORDS <<< "$line"
            [[ $line == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _porthole
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        var words = Run("bash", ["--norc", "-c", driver, "bash", typed]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var wanted = expected.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (typed.Contains("/etc/host", StringComparison.Ordinal)) wanted = [.. wanted.Where(File.Exists)];
        Assert.Subset(words.ToHashSet(), wanted.ToHashSet());
        if (!typed.Contains("/etc/host", StringComparison.Ordinal)) Assert.Equal(wanted.Order(), words.Order());
    }

    [Theory]
    [InlineData("zsh", "_porthole_session_list()")]
    [InlineData("fish", "complete -c porthole -n '__fish_use_subcommand' -a shell -d ")]
    public async Task The_other_shells_scripts_are_whole_and_valid_where_that_shell_is(string shell, string part)
    {
        var script = (await PortholeProcess.RunAsync(["completion", shell])).Output;
        Assert.Contains(part, script);
        if (!File.Exists($"/usr/bin/{shell}")) return;
        Assert.Equal("", Run(shell, ["-n", "-c", script]));
    }

    private static string Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal("", error.Result);
        return output;
    }
}
