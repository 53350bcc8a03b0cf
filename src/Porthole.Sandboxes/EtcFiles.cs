namespace Porthole.Sandboxes;

/// <summary>The /etc of sessions on the host's programs: what those programs need to work, and nothing that says who uses the host.</summary>
internal static class EtcFiles
{
    // Copied up to this size, shown in place beyond it: a bind costs 0.2 ms at each start, a small file a tenth of that.
    private const int CopiedFiles = 12;
    private const long CopiedBytes = 32 * 1024;

    // Settings that distributions ship and administrators seldom write secrets into. Not here, for they do: gitconfig, npmrc, pip.conf,
    // wgetrc, maven, environment, profile.d.
    private static readonly string[] FromHost =
    [
        "alternatives", "bash_completion.d", "ca-certificates/extracted", "crypto-policies", "debian_version", "emacs", "ethertypes", "fonts", "gai.conf", "gdb",
        "groff", "host.conf", "inputrc", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "lsb-release", "magic", "magic.mime",
        "manpath.config", "mime.types", "nanorc", "networks", "os-release", "perl", "pki/ca-trust/extracted", "pki/tls", "protocols", "rpc", "services",
        "ssl/certs", "ssl/openssl.cnf", "terminfo", "vim", "vimrc",
    ];

    // Versions are part of their names.
    private static readonly string[] FromHostByPattern = ["java-*", "python3*"];

    /// <summary>Writes the files, and adds to <paramref name="hostPaths"/> those of the host that are to be shown in place.</summary>
    public static void Write(string etc, string home, List<string> hostPaths)
    {
        var names = FromHost.Concat(FromHostByPattern.SelectMany(pattern => Directory.EnumerateFileSystemEntries("/etc", pattern).Select(Path.GetFileName)));
        foreach (var name in names)
            Take(Path.Combine("/etc", name!), Path.Combine(etc, name!), hostPaths);

        Text(etc, "passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
        Text(etc, "group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n");
        Text(etc, "nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n");
        Text(etc, "shells", "/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n");
        Text(etc, "profile", Profile);
        Text(etc, "bash.bashrc", BashRc);
        Text(home, ".profile", "# For login shells.\n[ -z \"$BASH_VERSION\" ] || . ~/.bashrc\n");
        Text(home, ".bashrc", "# For interactive shells. A bash that reads /etc/bash.bashrc by itself has done so.\n[ -n \"$_bashrc_read\" ] || . /etc/bash.bashrc\n");
        File.CreateSymbolicLink(Path.Combine(etc, "mtab"), "../proc/self/mounts");
    }

    private static void Take(string source, string target, List<string> hostPaths)
    {
        FileSystemInfo entry = Directory.Exists(source) ? new DirectoryInfo(source) : new FileInfo(source);
        if (entry.LinkTarget is { } link && IsBelowUsr(link))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.CreateSymbolicLink(target, link);
        }
        else if (entry.Exists && IsSmall(entry) && entry.Name != "ld.so.cache")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            Copy(entry, target);
        }
        else if (entry.Exists)
        {
            hostPaths.Add(source);
        }
    }

    private static bool IsBelowUsr(string link) => link.StartsWith("/usr/", StringComparison.Ordinal) || link.StartsWith("../usr/", StringComparison.Ordinal);

    private static bool IsSmall(FileSystemInfo entry)
    {
        if (entry is FileInfo file)
            return file.Length <= CopiedBytes;
        var (count, bytes) = (0, 0L);
        foreach (var inner in ((DirectoryInfo)entry).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            bytes += inner is FileInfo { LinkTarget: null } part ? part.Length : 0;
            if (++count > CopiedFiles || bytes > CopiedBytes)
                return false;
        }

        return true;
    }

    // Only what everyone on the host may read is anybody's business in a session.
    private static void Copy(FileSystemInfo entry, string target)
    {
        const UnixFileMode executable = (UnixFileMode)0x1ED, plain = (UnixFileMode)0x1A4;
        if (entry.LinkTarget is { } link)
        {
            File.CreateSymbolicLink(target, link);
        }
        else if (!entry.UnixFileMode.HasFlag(UnixFileMode.OtherRead))
        {
            return;
        }
        else if (entry is DirectoryInfo directory)
        {
            Directory.CreateDirectory(target);
            File.SetUnixFileMode(target, executable);
            foreach (var inner in directory.EnumerateFileSystemInfos())
                Copy(inner, Path.Combine(target, inner.Name));
        }
        else
        {
            File.Copy(entry.FullName, target);
            File.SetUnixFileMode(target, entry.UnixFileMode.HasFlag(UnixFileMode.OtherExecute) ? executable : plain);
        }
    }

    private static void Text(string directory, string name, string text)
    {
        var path = Path.Combine(directory, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, (UnixFileMode)0x1A4);
    }

    private const string Profile = """
        # For login shells of every kind; the environment itself comes from the session.
        : "${PATH:=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
        export PATH
        if [ -n "$BASH_VERSION" ] && [ -n "$PS1" ]; then
          . /etc/bash.bashrc
        fi

        """;

    // Completion is loaded at the first Tab: reading it takes longer than starting the whole session.
    private const string BashRc = """
        # For interactive shells of bash.
        [ -n "$PS1" ] || return
        _bashrc_read=1
        shopt -s checkwinsize histappend
        HISTCONTROL=ignorespace
        HISTSIZE=10000
        HISTFILESIZE=20000
        PROMPT_COMMAND='history -a'
        PS1='\[\e[01;32m\]\u@\h\[\e[00m\]:\[\e[01;34m\]\w\[\e[00m\]\$ '
        alias ls='ls --color=auto'
        alias grep='grep --color=auto'
        alias ll='ls -l'
        if [ -r /usr/share/bash-completion/bash_completion ]; then
          _load_completion() {
            complete -r -D
            unset -f _load_completion
            . /usr/share/bash-completion/bash_completion
            return 124
          }
          complete -D -F _load_completion
        fi

        """;
}
