namespace Porthole.Protocol.Link;

/// <summary>
/// What a guest-link frame means. Numbers are never reused. A receiver ignores types it does not know,
/// so a newer peer may add some without a new version as long as an older one can do without them. A request that has to be answered
/// needs a new version, and is sent only to peers that said they speak it.
/// </summary>
public enum LinkFrameType : byte
{
    /// <summary>First frame of a lane in both directions, on stream 0: <see cref="LinkHello"/>.</summary>
    Hello = 1,

    /// <summary>Server, stream 0: asks whether the guest is alive; the payload (at most 64 bytes) comes back in a <see cref="Pong"/>.</summary>
    Ping = 2,

    /// <summary>Guest, stream 0: answers a <see cref="Ping"/>.</summary>
    Pong = 3,

    /// <summary>Server, stream 0: asks for the list of shells; answered by <see cref="ShellList"/>.</summary>
    ListShells = 4,

    /// <summary>Guest, stream 0: every shell that lives, see <see cref="ShellSummary"/>.</summary>
    ShellList = 5,

    /// <summary>Server, stream 0, empty: hang up every shell and command, then end the guest.</summary>
    Shutdown = 6,

    /// <summary>Server, stream 0, to a machine that was only booted: who it is, see <see cref="MachineIdentity"/>. Its greeting follows.</summary>
    Identity = 7,

    /// <summary>Server, stream 0, to a machine that was suspended: what it has missed, see <see cref="MachineAwakening"/>.</summary>
    Awake = 8,

    /// <summary>Server, stream 0, to a machine, empty: end all that runs in it at once, write what outlives it to its disk, and turn it off.</summary>
    Halt = 9,

    /// <summary>Server, opens a stream: attach to a shell, made when it does not exist and that is allowed: <see cref="AttachShell"/>.</summary>
    AttachShell = 16,

    /// <summary>Guest: the stream is attached; output follows: <see cref="ShellAttached"/>.</summary>
    ShellAttached = 17,

    /// <summary>Server: bytes typed. Counts against the input credit.</summary>
    Input = 18,

    /// <summary>Guest: bytes of the terminal, or a command's standard output. Counts against the output credit.</summary>
    Output = 19,

    /// <summary>Guest: bytes of a command's standard error. Counts against the output credit.</summary>
    ErrorOutput = 20,

    /// <summary>Server: new terminal size, see <see cref="TerminalSize"/>.</summary>
    Resize = 21,

    /// <summary>Both: the receiver may send this many more payload bytes on the stream; a 32-bit unsigned number.</summary>
    Credit = 22,

    /// <summary>Server, empty: leave the shell running and close the stream. The guest answers with <see cref="Closed"/>.</summary>
    Detach = 23,

    /// <summary>Server, empty: end the shell: SIGHUP to its session, SIGKILL after a grace time. <see cref="Exited"/> follows.</summary>
    Hangup = 24,

    /// <summary>Guest: shell or command has ended and all of its output was sent: <see cref="ProcessExit"/>. Closes the stream.</summary>
    Exited = 25,

    /// <summary>Guest: the stream is closed although its shell goes on (detached, or attached elsewhere): <see cref="StreamClosed"/>.</summary>
    Closed = 26,

    /// <summary>Guest: the request that opened the stream failed: <see cref="LinkFailure"/>. Closes the stream.</summary>
    Failed = 27,

    /// <summary>Server, opens a stream: run a command without a terminal: <see cref="StartCommand"/>.</summary>
    StartCommand = 32,

    /// <summary>Server: send a signal (one byte, signal(7)) to a command's process group; SIGKILL follows on its own after SIGTERM's grace time.</summary>
    Signal = 33,

    /// <summary>
    /// Server, empty: closes the stream as the end of its lane would. A shell is left running, a command is ended; what the guest sent before
    /// it heard of this may still come, nothing else does.
    /// </summary>
    Abandon = 34,

    /// <summary>Server, opens a stream: follow the agent, started when none runs and that is wanted: <see cref="Link.AttachAgent"/>.</summary>
    AttachAgent = 40,

    /// <summary>Guest: the stream is attached to the agent; its log follows as <see cref="Output"/>: <see cref="Link.AgentAttached"/>.</summary>
    AgentAttached = 41,

    /// <summary>Server, opens a stream: connect to a TCP port inside the sandbox: <see cref="Link.ConnectPort"/>.</summary>
    ConnectPort = 48,

    /// <summary>Guest: the connection stands: <see cref="Link.PortConnected"/>.</summary>
    PortConnected = 49,

    /// <summary>Server, empty: no more <see cref="Input"/> comes for the connection.</summary>
    EndOfInput = 50,

    /// <summary>Guest, empty: no more <see cref="Output"/> comes from the connection.</summary>
    EndOfOutput = 51,
}
