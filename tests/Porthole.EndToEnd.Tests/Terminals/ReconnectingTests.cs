using System.Text.RegularExpressions;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests.Terminals;

/// <summary><c>porthole shell</c> while its server is killed and started again.</summary>
public sealed class ReconnectingTests
{
    [Fact]
    public async Task A_killed_server_is_one_line_and_its_return_another_and_no_key_is_lost()
    {
        await using var server = await TestServer.StartAsync();
        await using var window = await TerminalWindow.OpenShellAsync(server);
        await window.RunAsync("clear; stty -echo; while read -r line; do echo \"got $line\"; [ \"$line\" = last ] && break; done; stty echo");
        var keys = Enumerable.Range(1, 60).Select(i => $"line-{i}").Append("last").ToList();
        var typing = TypeAsync(window, keys);
        await window.SeesAsync("got line-10\n");
        await server.KillAsync();
        await window.SeesAsync("porthole: connection lost (");
        await server.StartAgainAsync();
        await typing;
        await window.SeesAsync("got last\n");
        var text = await window.ScrollbackAsync();
        Assert.Equal(keys, [.. Regex.Matches(text, @"^got (\S+)$", RegexOptions.Multiline).Select(match => match.Groups[1].Value)]);
        Assert.Single(Regex.Matches(text, "^porthole: connection lost .*$", RegexOptions.Multiline));
        Assert.Single(Regex.Matches(text, "^porthole: reconnected$", RegexOptions.Multiline));
    }

    [Fact]
    public async Task While_the_server_is_away_the_shell_can_be_left_and_it_is_there_when_the_server_is_back()
    {
        await using var server = await TestServer.StartAsync();
        await using var window = await TerminalWindow.OpenAsync(server);
        var before = await window.ModeAsync();
        await window.RunAsync("porthole shell");
        await window.SeesAsync(TerminalWindow.Prompt);
        await window.RunAsync("X=kept; echo $((6 * 7))-set");
        await window.SeesAsync("42-set");
        await server.KillAsync();
        await window.SeesAsync("porthole: connection lost (");
        await window.PressAsync("C-]");
        var command = await window.ReturnCommandAsync();
        await window.RunAsync("clear");
        await window.IsBackAsync();
        Assert.Equal(before, await window.ModeAsync());
        await server.StartAgainAsync();
        await window.RunAsync(command);
        await window.RunAsync("clear; echo \"X is $X\"");
        await window.SeesAsync("X is kept");
    }

    private static async Task TypeAsync(TerminalWindow window, IEnumerable<string> lines)
    {
        foreach (var line in lines) await window.RunAsync(line);
    }
}
