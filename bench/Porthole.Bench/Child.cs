using System.Collections.Concurrent;
using System.Text;

namespace Porthole.Bench;

/// <summary>A process that the benchmark started. All of them are known, so that all of them can be ended.</summary>
internal sealed unsafe class Child
{
    private enum How
    {
        Terminal = 0,
        Pipes = 1,
        Server = 2,
    }

    private static readonly ConcurrentDictionary<int, Child> s_running = new();
    private static readonly int s_spawningThread = Environment.CurrentManagedThreadId;

    private bool _open = true;

    /// <summary>
    /// Home of every child: empty, so that no peer pays for what the login files of the person who measures do.
    /// </summary>
    public static string Home { get; set; } = "/";

    private Child(int pid, int output, int input) => (Pid, Output, Input) = (pid, output, input);

    public int Pid { get; }

    /// <summary>Descriptor of the child's output; with a terminal the same as <see cref="Input"/>.</summary>
    public int Output { get; }

    /// <summary>Descriptor of the child's input.</summary>
    public int Input { get; }

    /// <summary>Not yet seen to have ended.</summary>
    public bool Running
    {
        get
        {
            Reap();
            return s_running.ContainsKey(Pid);
        }
    }

    /// <summary>Starts a program on a new terminal of 80 columns and 24 rows.</summary>
    public static Child OnTerminal(params string[] arguments) => Spawn(How.Terminal, arguments, "", Native.SIGKILL, null);

    /// <summary>Starts a program with pipes; what it says on standard error goes to the log.</summary>
    public static Child WithPipes(string log, params string[] arguments) => Spawn(How.Pipes, arguments, log, Native.SIGKILL, null);

    /// <summary>Starts a program in the background; all that it says goes to the log.</summary>
    public static Child Server(string log, IReadOnlyDictionary<string, string>? environment, params string[] arguments) =>
        Spawn(How.Server, arguments, log, Native.SIGTERM, environment);

    /// <summary>Runs a program to its end and returns its standard output; throws with the log's text when it fails.</summary>
    public static string Run(string log, params string[] arguments)
    {
        var child = Spawn(How.Pipes, arguments, log, Native.SIGKILL, null);
        _ = Native.Close(child.Input);
        var text = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int count; (count = Native.ReadSome(child.Output, buffer)) > 0;)
            text.Write(buffer, 0, count);
        _ = Native.Close(child.Output);
        child._open = false;
        int status;
        var waited = Native.WaitPid(child.Pid, &status, 0);
        s_running.TryRemove(child.Pid, out _);
        if (waited != child.Pid || status != 0)
            throw new BenchException($"{string.Join(' ', arguments)} failed (wait status {status}): {LastLines(log)}");
        return Encoding.UTF8.GetString(text.ToArray());
    }

    public static string LastLines(string log) =>
        File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(8)) : "";

    /// <summary>Collects every child that has ended, adopted orphans too.</summary>
    public static void Reap()
    {
        const int WNOHANG = 1;
        int status, pid;
        while ((pid = Native.WaitPid(-1, &status, WNOHANG)) > 0)
            s_running.TryRemove(pid, out _);
    }

    /// <summary>No signal once the child was collected: its number may belong to a stranger by then.</summary>
    public void Signal(int signal)
    {
        if (s_running.ContainsKey(Pid))
            _ = Native.Kill(Pid, signal);
    }

    public void CloseDescriptors()
    {
        if (!_open)
            return;
        _open = false;
        _ = Native.Close(Output);
        if (Input != Output && Input >= 0)
            _ = Native.Close(Input);
    }

    private static Child Spawn(How how, string[] arguments, string log, int deathSignal, IReadOnlyDictionary<string, string>? more)
    {
        // The kernel ties a child's death signal to the thread that made it.
        if (Environment.CurrentManagedThreadId != s_spawningThread)
            throw new InvalidOperationException("children are started by the main thread only");
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = Home,
            ["TERM"] = "xterm-256color",
            ["LANG"] = "C.UTF-8",
        };
        // A porthole that needs the shared framework finds it where this program's was found.
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root)
            environment["DOTNET_ROOT"] = root;
        foreach (var (name, value) in more ?? new Dictionary<string, string>())
            environment[name] = value;
        var descriptors = stackalloc int[2];
        var pid = Native.Spawn([.. arguments, null], [.. environment.Select(v => $"{v.Key}={v.Value}"), null], (int)how, log, deathSignal, descriptors);
        if (pid < 0)
            throw new BenchException($"cannot start {arguments[0]}: errno {-pid}");
        var child = new Child(pid, descriptors[0], descriptors[1]);
        s_running[pid] = child;
        return child;
    }
}
