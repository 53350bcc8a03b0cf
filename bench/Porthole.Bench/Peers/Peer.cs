using Porthole.Bench.Terminals;

namespace Porthole.Bench.Peers;

/// <summary>Something that carries a shell's bytes. Its server runs for the whole benchmark; shells come and go.</summary>
internal abstract class Peer
{
    /// <summary>The short name in options and tables.</summary>
    public abstract string Name { get; }

    /// <summary>What exactly was measured, with versions; shown in the report.</summary>
    public abstract string Description { get; }

    /// <summary>Names of the processes that carry bytes on the server's side: their CPU time and memory are the peer's.</summary>
    public virtual IReadOnlySet<string> ServerProcesses { get; } = new HashSet<string>();

    /// <summary>False for a peer that only shows how long a start takes.</summary>
    public virtual bool CarriesShells => true;

    /// <summary>Whether its sessions are virtual machines: compared where that makes a difference, not in everything.</summary>
    public virtual bool HasMachines => false;

    /// <summary>Null when this peer can run here, else what is missing.</summary>
    public virtual string? Missing() => null;

    /// <summary>Starts the server and returns when it accepts connections.</summary>
    public virtual void Start(string workDirectory)
    {
    }

    /// <summary>Begins a shell without waiting for its first output.</summary>
    /// <param name="session">Shells with one number share a session, where the peer knows sessions.</param>
    /// <param name="shell">Distinct within the session.</param>
    public abstract Terminal Open(int session, int shell);

    /// <summary>Waits until what was begun is there to be used.</summary>
    public virtual void WaitUntilStarted(Terminal terminal) => ShellDialogue.WaitForPrompt(terminal);

    /// <summary>Waits until the next start is not slowed down by what the last one left to do.</summary>
    public virtual void Settle()
    {
    }

    /// <summary>Gives up what stays of a session when its shells have ended.</summary>
    public virtual void EndSession(int session)
    {
    }

    /// <summary>Lets go of what the server holds but does not need, before its memory is measured.</summary>
    public virtual void CollectGarbage()
    {
    }

    /// <summary>Ends the server and all that it started.</summary>
    public virtual void Stop()
    {
    }

    /// <summary>Waits until something listens on a port of 127.0.0.1, as long as the server lives.</summary>
    protected void WaitUntilListening(Child server, int port, string log)
    {
        var deadline = Clock.Now + 30 * Clock.Second;
        while (!LoopbackPort.Accepts(port))
        {
            if (!server.Running || Clock.Now > deadline)
                throw new BenchException($"{Name}: the server does not listen on port {port}: {Child.LastLines(log)}");
            Native.SleepUntil(Clock.Now + 20 * Clock.Millisecond);
        }
    }

    /// <summary>The first of the directories of PATH, and of the system's own, that has the program.</summary>
    protected static string? FindProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);

    /// <summary>Asks a server to end and waits for it, then insists.</summary>
    protected static void StopServer(Child? server, TimeSpan patience)
    {
        if (server is null)
            return;
        server.Signal(Native.SIGTERM);
        var deadline = Clock.Now + (long)patience.TotalMilliseconds * Clock.Millisecond;
        while (server.Running && Clock.Now < deadline)
            Native.SleepUntil(Clock.Now + 10 * Clock.Millisecond);
        server.Signal(Native.SIGKILL);
        server.CloseDescriptors();
    }
}
