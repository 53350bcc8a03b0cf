using System.Security.Cryptography;
using System.Text;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests.Terminals;

/// <summary>What is typed and pasted into <c>porthole shell</c>, and sizes.</summary>
public sealed class KeyTests(SharedServer shared)
{
    [Fact]
    public async Task Ctrl_C_ends_a_flood_at_once()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("yes");
        await window.SeesAsync("a screen full of it", screen => screen.StartsWith("y\ny\ny\n", StringComparison.Ordinal));
        var pressed = TimeProvider.System.GetTimestamp();
        await window.PressAsync("C-c");
        await window.SeesAsync(TerminalWindow.Prompt);

        // What was under way, at most a few hundred KB, is shown first. A second is long for that; the rest is for a busy machine.
        Assert.InRange(TimeProvider.System.GetElapsedTime(pressed), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Ctrl_Z_stops_a_job_and_fg_brings_it_back()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("echo re''ady; cat");
        await window.SeesAsync("\nready\n");
        await window.RunAsync("to cat");
        await window.SeesAsync("to cat\nto cat\n");
        await window.PressAsync("C-z");
        await window.SeesAsync("Stopped");
        await window.RunAsync("fg");
        await window.SeesAsync("# fg\ncat\n");
        await window.RunAsync("to cat again");
        await window.SeesAsync("to cat again\nto cat again\n");
        await window.PressAsync("C-d");
        await window.RunAsync("echo $?-ended");
        await window.SeesAsync("0-ended");
    }

    [Fact]
    public async Task A_window_that_changes_its_size_tells_the_programs()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("stty size; trap 'echo winch-$LINES' WINCH; shopt -s checkwinsize");
        await window.SeesAsync("24 80");
        await window.ResizeAsync(133, 37);
        await window.SeesAsync("winch-");
        await window.RunAsync("stty size");
        await window.SeesAsync("37 133");
    }

    [Fact]
    public async Task A_megabyte_pasted_into_a_file_is_whole()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);

        // Lines, because a cooked terminal takes no more than 4095 bytes without one.
        var text = string.Concat(Enumerable.Range(0, 16 * 1024).Select(i => $"{i:00000} the quick brown fox jumps over the lazy dög, {i * 7919 % 99991:00000}\n"));
        Assert.InRange(text.Length, 900_000, 1_100_000);
        await window.RunAsync("stty -echo; echo re''ady; cat > /tmp/pasted; stty echo");

        // Until then bash reads, and would get the paste in brackets.
        await window.SeesAsync("\nready\n");
        await window.PasteAsync(text);
        await window.PressAsync("C-d");
        await window.RunAsync("sha256sum < /tmp/pasted");
        await window.SeesAsync(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
    }

    [Fact]
    public async Task Lines_pasted_at_a_prompt_wait_for_Enter_because_they_come_in_brackets()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.PasteAsync("echo $((6 * 7))-one\necho $((6 * 7))-two");
        await window.SeesAsync("echo $((6 * 7))-two");
        Assert.DoesNotContain("42-one", await window.ScreenAsync());
        await window.PressAsync("Enter");
        await window.SeesAsync("42-one\n42-two\n");
    }

    [Fact]
    public async Task Wide_combining_and_joined_characters_go_there_and_back()
    {
        const string Text = "漢字 e\u0301a\u0308 ελ 🚀👩‍🔬 ﷽";
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("read -r line; printf %s \"$line\" | sha256sum");
        await window.RunAsync(Text);
        await window.SeesAsync(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text))));
        await window.RunAsync("clear; echo \"<$line>\"");
        await window.SeesAsync("漢字 e\u0301a\u0308 ελ 🚀");
    }
}
