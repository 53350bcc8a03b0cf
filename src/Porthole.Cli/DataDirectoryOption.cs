using System.CommandLine;

namespace Porthole.Cli;

/// <summary>The option --data-dir, which every command that concerns a server of this host takes.</summary>
internal static class DataDirectoryOption
{
    /// <summary>PORTHOLE_DATA_DIR, else /var/lib/porthole for root, else the user's state directory (XDG Base Directory Specification).</summary>
    public static string Default
    {
        get
        {
            if (Environment.GetEnvironmentVariable("PORTHOLE_DATA_DIR") is { Length: > 0 } set)
                return set;
            if (Environment.IsPrivilegedProcess)
                return "/var/lib/porthole";
            var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } xdg
                ? xdg
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".local", "state");
            return Path.Combine(state, "porthole");
        }
    }

    public static Option<string> Create() => new("--data-dir")
    {
        Description = "The server's data directory [env: PORTHOLE_DATA_DIR]",
        HelpName = "DIR",
        DefaultValueFactory = _ => Default,
    };
}
