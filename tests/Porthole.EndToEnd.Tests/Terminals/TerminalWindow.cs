using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests.Terminals;

/// <summary>
/// A window with a terminal emulator and the user's own bash in it, which has <c>porthole</c> on its path and a server to talk to. tmux(1) is
/// the emulator: what programs print is interpreted, and the screen can be read as a person sees it.
/// </summary>
internal sealed partial class TerminalWindow : IAsyncDisposable
{
    /// <summary>What the user's own shell says when it is ready.</summary>
    public const string HostPrompt = "host>";

    /// <summary>What a shell in a session says when it is ready.</summary>
    public const string Prompt = "root@sandbox:/#";

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(30);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("porthole-window-");

    private int _shell;

    private TerminalWindow()
    {
    }

    private string Socket => Path.Combine(_directory.FullName, "tmux");

    /// <summary>Opens a window of 80 columns and 24 rows.</summary>
    /// <param name="server">Where <c>porthole</c> goes.</param>
    /// <param name="shell">The user's shell; bash when left out.</param>
    public static async Task<TerminalWindow> OpenAsync(TestServer server, params IEnumerable<string> shell)
    {
        var window = new TerminalWindow();
        var home = window._directory.FullName;
        var programs = Path.GetDirectoryName(PortholeProgram.Path);
        await File.WriteAllTextAsync(Path.Combine(home, "tmux.conf"), "set -g history-limit 20000\nset -g escape-time 0\nset -g status off\n");
        await File.WriteAllTextAsync(Path.Combine(home, "bashrc"), $"PS1='{HostPrompt} '\nunset HISTFILE\n");
        string[] variables =
        [
            $"HOME={home}", $"PORTHOLE_DATA_DIR={server.DataDirectory}", "LC_ALL=C.UTF-8", $"PS1={HostPrompt} ",
            $"PATH={programs}:{Environment.GetEnvironmentVariable("PATH")}",
        ];
        if (!shell.Any())
            shell = ["bash", "--noprofile", "--rcfile", Path.Combine(home, "bashrc"), "-i"];
        await window.TmuxAsync(
            ["-f", Path.Combine(home, "tmux.conf"), "-u", "new-session", "-d", "-x", "80", "-y", "24", "-c", "/", "--", "env", .. variables, .. shell]);
        window._shell = int.Parse(await window.TmuxAsync("display-message", "-p", "#{pane_pid}"), CultureInfo.InvariantCulture);
        await window.SeesAsync(HostPrompt);
        return window;
    }

    /// <summary>Opens a window and in it a shell in a session of its own.</summary>
    public static async Task<TerminalWindow> OpenShellAsync(TestServer server, string options = "")
    {
        var window = await OpenAsync(server);
        await window.RunAsync($"porthole shell {options}");
        await window.SeesAsync(Prompt);
        return window;
    }

    /// <summary>Types text as it is.</summary>
    public Task TypeAsync(string text) => TmuxAsync("send-keys", "-l", "--", text);

    /// <summary>Presses keys by their names in tmux(1): Enter, Tab, Up, C-c…</summary>
    public Task PressAsync(params IEnumerable<string> keys) => TmuxAsync(["send-keys", .. keys]);

    /// <summary>Types a line and presses Enter.</summary>
    public async Task RunAsync(string line)
    {
        await TypeAsync(line);
        await PressAsync("Enter");
    }

    /// <summary>Pastes text as a terminal emulator does: between brackets when the program asked for that.</summary>
    public async Task PasteAsync(string text)
    {
        var file = Path.Combine(_directory.FullName, "clipboard");
        await File.WriteAllTextAsync(file, text);
        await TmuxAsync("load-buffer", file);
        await TmuxAsync("paste-buffer", "-p", "-r");
    }

    /// <summary>Drags the window's corner.</summary>
    public Task ResizeAsync(int columns, int rows) => TmuxAsync("resize-window", "-x", Number(columns), "-y", Number(rows));

    /// <summary>Closes the window.</summary>
    public Task CloseAsync() => TmuxAsync("kill-pane");

    /// <summary>What is on the screen: one line a row, nothing behind the last character of each.</summary>
    public Task<string> ScreenAsync() => TmuxAsync("capture-pane", "-p");

    /// <summary>The same with what has scrolled away, and lines joined that were too long for a row.</summary>
    public Task<string> ScrollbackAsync() => TmuxAsync("capture-pane", "-p", "-J", "-S", "-");

    /// <summary>The screen with its colours, as the escape sequences that would draw it.</summary>
    public Task<string> ColouredScreenAsync() => TmuxAsync("capture-pane", "-p", "-e");

    /// <summary>The command that leads back to a shell, as <c>porthole shell</c> printed it on leaving.</summary>
    public async Task<string> ReturnCommandAsync()
    {
        await SeesAsync("Return with:");
        await IsBackAsync();
        return ReturnCommand().Match(await ScrollbackAsync()).Groups["command"].Value;
    }

    /// <summary>The kernel's view of the window: the mode of its terminal, by stty(1).</summary>
    public async Task<string> ModeAsync() => await ProgramAsync("stty", "-a", "-F", (await TmuxAsync("display-message", "-p", "#{pane_tty}")).Trim());

    /// <summary>The process id of the only <c>porthole</c> that runs in the window.</summary>
    public async Task<int> PortholeProcessAsync() =>
        int.Parse((await File.ReadAllTextAsync($"/proc/{_shell}/task/{_shell}/children")).Trim(), CultureInfo.InvariantCulture);

    /// <summary>Waits until the user's own shell is ready, behind all else.</summary>
    public Task IsBackAsync() => SeesAsync("the user's prompt", screen => screen.TrimEnd().EndsWith(HostPrompt, StringComparison.Ordinal));

    /// <summary>Waits until a text is on the screen.</summary>
    public Task SeesAsync(string text) => SeesAsync($"'{text}'", screen => screen.Contains(text, StringComparison.Ordinal));

    /// <summary>Waits until the screen is as described.</summary>
    public async Task SeesAsync(string what, Func<string, bool> holds)
    {
        using var deadline = Patience.Deadline();
        while (true)
        {
            var screen = await ScreenAsync();
            if (holds(screen))
                return;
            if (deadline.IsCancellationRequested)
                Assert.Fail($"waited in vain for {what}; the screen shows:\n{screen}");
            await Task.Delay(LookAgain, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Whatever runs in it gets a hang-up. A tmux whose last window was closed is gone already.
        using (var process = Start("tmux", ["-S", Socket, "kill-server"]))
            await process.WaitForExitAsync();
        await Patience.UntilAsync("the user's shell to end", () => !Directory.Exists($"/proc/{_shell}"));
        _directory.Delete(recursive: true);
    }

    private Task<string> TmuxAsync(params IEnumerable<string> arguments) => ProgramAsync("tmux", ["-S", Socket, .. arguments]);

    private static async Task<string> ProgramAsync(string program, params IEnumerable<string> arguments)
    {
        using var process = Start(program, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().InTime();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {await errors}");
        return await output;
    }

    private static Process Start(string program, IEnumerable<string> arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    [GeneratedRegex(@"Return with:\s+(?<command>porthole shell .*)")]
    private static partial Regex ReturnCommand();

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
