namespace Porthole.Sandboxes.Tests;

/// <summary>The programs of the host do their work inside, those that it has.</summary>
public sealed class ToolsTests
{
    public static TheoryData<string, string, string> Tools => new()
    {
        { "bash", "bash -c 'echo ${BASH_VERSION:+works}'", "works" },
        { "perl", "perl -e 'print \"works\"'", "works" },
        { "python3", "python3 -c 'import ssl, json, multiprocessing; print(multiprocessing.Pool(2).apply(len, [\"works\"]))'", "5" },
        { "node", "node -e 'console.log(\"works\")'", "works" },
        { "git", "cd /tmp && git init -q repository && cd repository && git -c user.name=x -c user.email=x commit -q --allow-empty -m works && git log --format=%s", "works" },
        { "gcc", "cd /tmp && echo 'int main(void) { return 7; }' > a.c && gcc a.c && ./a.out; echo $?", "7" },
        { "ps", "ps -o comm= 1", "bwrap" },
        { "less", "echo works | less", "works" },
        { "vim", "vim --version | head -1 | cut -c1-3", "VIM" },
        { "tmux", "tmux -L t new-session -d 'sleep 1000' && tmux -L t list-sessions | wc -l; tmux -L t kill-server", "1" },
        { "top", "TERM=xterm top -b -n 1 | head -1 | cut -c1-3", "top" },
        { "dpkg", "dpkg -s libc6 | grep -c '^Status: install ok installed'", "1" },
        { "tar", "cd /tmp && mkdir tree && touch tree/file && tar cf - tree | tar tf - | wc -l", "2" },
        { "openssl", "openssl verify /etc/ssl/certs/ca-certificates.crt >/dev/null 2>&1; openssl version | cut -d' ' -f1", "OpenSSL" },
        { "java", "java -version 2>&1 | grep -c Runtime", "1" },
        { "dotnet", "DOTNET_CLI_HOME=/tmp dotnet --list-runtimes | grep -c NETCore", "1" },
        { "script", "script -qec 'stty size >/dev/null && tty' /dev/null | tr -d '\\r' | cut -c1-9", "/dev/pts/" },
    };

    [Theory]
    [MemberData(nameof(Tools))]
    public async Task A_tool_works(string tool, string command, string expected)
    {
        // Under /usr: what lies elsewhere on a host is not shown to sessions.
        if (HostTool.Find(tool) is not { } path || !path.StartsWith("/usr/", StringComparison.Ordinal) && !path.StartsWith("/bin/", StringComparison.Ordinal))
            return;
        Assert.Equal(expected, await (await SharedSandbox.GetAsync()).OutputAsync(command));
    }

    [Fact]
    public async Task A_shell_keeps_its_history_and_completes_from_the_first_tab()
    {
        var sandbox = await SharedSandbox.GetAsync();
        Assert.Equal("history -a", await sandbox.OutputAsync("bash -lic 'echo $PROMPT_COMMAND' 2>/dev/null"));
        if (File.Exists("/usr/share/bash-completion/bash_completion"))
            Assert.Equal("complete -F _load_completion -D", await sandbox.OutputAsync("bash -ic 'complete -p -D' 2>/dev/null"));
    }

    [Fact]
    public async Task Names_of_users_and_of_the_session_resolve()
    {
        var sandbox = await SharedSandbox.GetAsync();
        Assert.Equal("root", await sandbox.OutputAsync("id -un"));
        Assert.Equal("127.0.1.1", await sandbox.OutputAsync("perl -MSocket -e 'print inet_ntoa(scalar gethostbyname(`hostname` =~ s/\\n//r))'"));
        Assert.Equal("127.0.0.1", await sandbox.OutputAsync("perl -MSocket -e 'print inet_ntoa(scalar gethostbyname(\"localhost\"))'"));
    }

    [Fact]
    public async Task Text_is_utf_8_and_time_is_the_hosts()
    {
        var sandbox = await SharedSandbox.GetAsync();
        Assert.Equal("UTF-8", await sandbox.OutputAsync("locale charmap"));
        Assert.Equal(DateTimeOffset.Now.ToString("zzz", System.Globalization.CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal), await sandbox.OutputAsync("date +%z"));
    }

    [Fact]
    public async Task What_belongs_to_root_may_be_changed()
    {
        var sandbox = await SharedSandbox.GetAsync();
        await sandbox.OutputAsync("echo 127.0.0.9 nine >> /etc/hosts && mkdir -p /opt/tool /srv/data /var/lib/tool /run/tool /workspace && rm -rf /media");
    }
}
