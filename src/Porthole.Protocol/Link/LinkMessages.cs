namespace Porthole.Protocol.Link;

/// <summary>Opens a lane. Each end says the newest version it speaks; both use the lower one.</summary>
/// <param name="Version">1 to 65535.</param>
public readonly record struct LinkHello(ushort Version)
{
    /// <summary>The newest version that this code speaks.</summary>
    public const ushort CurrentVersion = AgentVersion;

    /// <summary>The first version with agents and with connections to ports inside the sandbox.</summary>
    public const ushort AgentVersion = 2;

    // "PHGL": tells a guest link from anything else that may answer on the same socket.
    private const uint Magic = 0x4C474850;

    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer)
    {
        writer.Begin().UInt32(Magic);
        writer.UInt16(Version);
        return writer.End(LinkFrameType.Hello, 0);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">This is no guest link, or no version was named.</exception>
    public static LinkHello Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        if (reader.UInt32() != Magic)
            throw new LinkProtocolException("the peer does not speak this protocol");
        var version = reader.UInt16();
        return version > 0 ? new LinkHello(version) : throw new LinkProtocolException("version 0");
    }
}

/// <summary>A terminal's size in character cells.</summary>
/// <param name="Columns">1 to 65535.</param>
/// <param name="Rows">1 to 65535.</param>
public readonly record struct TerminalSize(ushort Columns, ushort Rows)
{
    /// <summary>Encodes a <see cref="LinkFrameType.Resize"/> frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().UInt16(Columns);
        writer.UInt16(Rows);
        return writer.End(LinkFrameType.Resize, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short.</exception>
    public static TerminalSize Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new TerminalSize(reader.UInt16(), reader.UInt16());
    }
}

/// <summary>What runs: a program with its arguments, environment and directory. Nothing is inherited from the guest.</summary>
/// <param name="Arguments">The program (a path, or a name looked up in the environment's PATH) and its arguments; at least one.</param>
/// <param name="Environment">NAME=value, the whole of it.</param>
/// <param name="Directory">Where it starts; "/" is used when it does not exist.</param>
public sealed record ProgramSpec(IReadOnlyList<string> Arguments, IReadOnlyList<string> Environment, string Directory)
{
    /// <summary>
    /// As the first argument: the guest program, wherever it lies in the sandbox. Its arguments <c>run-as USER PROGRAM…</c> run a program as
    /// another user of the sandbox, named as the User of an OCI image is.
    /// </summary>
    public const string GuestItself = "porthole-guest";

    internal void Write(LinkWriter writer)
    {
        writer.Texts(Arguments);
        writer.Texts(Environment);
        writer.Text(Directory);
    }

    internal static ProgramSpec Read(ref LinkReader reader)
    {
        var spec = new ProgramSpec(reader.Texts(), reader.Texts(), reader.Text());
        return spec.Arguments.Count > 0 ? spec : throw new LinkProtocolException("a program without a name");
    }
}

/// <summary>Attaches a stream to a shell.</summary>
/// <param name="ShellId">The shell's name (contract section 6).</param>
/// <param name="FromOffset">
/// Offset of the first output byte wanted; -1 for the first byte that no earlier stream of this shell was sent.
/// Beyond the end of the output it counts as the end.
/// </param>
/// <param name="Size">The terminal's size when it is made now; a shell that exists keeps its own.</param>
/// <param name="Credit">Output bytes that the guest may send before it gets more credit.</param>
/// <param name="RingBytes">Size of the replay ring when the shell is made now, 4 KB to 16 MB.</param>
/// <param name="Program">What to run when the shell does not exist; null to fail instead.</param>
public sealed record AttachShell(string ShellId, long FromOffset, TerminalSize Size, uint Credit, uint RingBytes, ProgramSpec? Program)
{
    /// <summary>Encodes the frame.</summary>
    /// <exception cref="ArgumentException">The program's arguments and environment do not fit into one frame.</exception>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().Text(ShellId);
        writer.Int64(FromOffset);
        writer.UInt16(Size.Columns);
        writer.UInt16(Size.Rows);
        writer.UInt32(Credit);
        writer.UInt32(RingBytes);
        writer.Byte(Program is null ? (byte)0 : (byte)1);
        Program?.Write(writer);
        return writer.End(LinkFrameType.AttachShell, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is malformed.</exception>
    public static AttachShell Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new AttachShell(reader.Text(), reader.Int64(), new TerminalSize(reader.UInt16(), reader.UInt16()), reader.UInt32(), reader.UInt32(),
            reader.Flag() ? ProgramSpec.Read(ref reader) : null);
    }
}

/// <summary>The answer to <see cref="AttachShell"/>; output follows from <paramref name="StartOffset"/> on.</summary>
/// <param name="Created">Whether the shell was made by this request.</param>
/// <param name="Incarnation">A random number that a shell keeps for life: tells a shell from a later one of the same name.</param>
/// <param name="StartOffset">Offset of the first byte that will be sent.</param>
/// <param name="Dropped">Bytes that were wanted and are gone from the ring.</param>
/// <param name="InputOffset">How many input bytes the shell has accepted in its life; what a client sent beyond that was lost.</param>
/// <param name="InputCredit">Input bytes that the server may send before it gets more credit.</param>
public readonly record struct ShellAttached(bool Created, long Incarnation, long StartOffset, long Dropped, long InputOffset, uint InputCredit)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().Byte(Created ? (byte)1 : (byte)0);
        writer.Int64(Incarnation);
        writer.Int64(StartOffset);
        writer.Int64(Dropped);
        writer.Int64(InputOffset);
        writer.UInt32(InputCredit);
        return writer.End(LinkFrameType.ShellAttached, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short, or counts below zero.</exception>
    public static ShellAttached Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        var attached = new ShellAttached(reader.Flag(), reader.Int64(), reader.Int64(), reader.Int64(), reader.Int64(), reader.UInt32());
        return attached is { StartOffset: >= 0, Dropped: >= 0, InputOffset: >= 0 } ? attached : throw new LinkProtocolException("a negative offset");
    }
}

/// <summary>Runs a command without a terminal; its output comes as Output and ErrorOutput, its end as Exited.</summary>
/// <remarks>
/// Exited follows the process's exit and the end of both pipes. Processes that it left behind with a pipe open delay that by one second,
/// in which their output still counts; then what the pipes hold is sent, and they go on without them. The end of the lane ends a running
/// command: SIGTERM to its session, SIGKILL after five seconds.
/// </remarks>
/// <param name="Credit">Output bytes, both streams together, that the guest may send before it gets more credit.</param>
/// <param name="Program">What to run, in a session and process group of its own, with /dev/null as input.</param>
public sealed record StartCommand(uint Credit, ProgramSpec Program)
{
    /// <summary>Encodes the frame.</summary>
    /// <exception cref="ArgumentException">Arguments and environment do not fit into one frame.</exception>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().UInt32(Credit);
        Program.Write(writer);
        return writer.End(LinkFrameType.StartCommand, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is malformed.</exception>
    public static StartCommand Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new StartCommand(reader.UInt32(), ProgramSpec.Read(ref reader));
    }
}

/// <summary>How a process ended: by itself with a code, or by a signal.</summary>
/// <param name="Code">Exit code 0 to 255; 0 when a signal ended it.</param>
/// <param name="Signal">The signal's number (signal(7)); 0 when it ended by itself.</param>
public readonly record struct ProcessExit(byte Code, byte Signal)
{
    /// <summary>The code that a shell reports: the exit code, or 128 and the signal's number.</summary>
    public int ShellCode => Signal == 0 ? Code : 128 + Signal;

    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().Byte(Code);
        writer.Byte(Signal);
        return writer.End(LinkFrameType.Exited, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short.</exception>
    public static ProcessExit Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new ProcessExit(reader.Byte(), reader.Byte());
    }
}

/// <summary>Why a stream was closed by other means than an exit or a failure.</summary>
public enum StreamCloseReason : byte
{
    /// <summary>The server asked for it.</summary>
    Detached = 1,

    /// <summary>Another stream attached to the same shell.</summary>
    TakenOver = 2,

    /// <summary>Both directions of a connection have ended.</summary>
    Ended = 3,
}

/// <summary>Says that a stream is closed while its shell goes on.</summary>
/// <param name="Reason">Why.</param>
/// <param name="SentOffset">Offset after the last output byte that went into this stream.</param>
public readonly record struct StreamClosed(StreamCloseReason Reason, long SentOffset)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().Byte((byte)Reason);
        writer.Int64(SentOffset);
        return writer.End(LinkFrameType.Closed, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short.</exception>
    public static StreamClosed Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new StreamClosed((StreamCloseReason)reader.Byte(), reader.Int64());
    }
}

/// <summary>Why a request failed.</summary>
public enum LinkFailureReason : byte
{
    /// <summary>The program does not exist or cannot be executed.</summary>
    CannotStart = 1,

    /// <summary>There is no such shell and the request did not allow to make one.</summary>
    NoSuchShell = 2,

    /// <summary>The sandbox is out of processes, memory, terminals or descriptors.</summary>
    OutOfResources = 3,

    /// <summary>No agent was ever started and the request did not ask for one.</summary>
    NoAgent = 4,

    /// <summary>Nobody listens on the port, or the connection broke.</summary>
    Disconnected = 5,
}

/// <summary>Says that the request which opened the stream failed.</summary>
/// <param name="Reason">The kind of failure.</param>
/// <param name="Message">For people: what failed and why.</param>
public readonly record struct LinkFailure(LinkFailureReason Reason, string Message)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().Byte((byte)Reason);
        writer.Text(Message);
        return writer.End(LinkFrameType.Failed, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is malformed.</exception>
    public static LinkFailure Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new LinkFailure((LinkFailureReason)reader.Byte(), reader.Text());
    }
}

/// <summary>One shell of a guest.</summary>
/// <param name="ShellId">Its name.</param>
/// <param name="Incarnation">See <see cref="ShellAttached.Incarnation"/>.</param>
/// <param name="EndOffset">How many bytes it has printed in its life.</param>
/// <param name="Attached">Whether a stream is attached to it.</param>
/// <param name="ProcessId">The shell's process id inside the sandbox.</param>
public readonly record struct ShellSummary(string ShellId, long Incarnation, long EndOffset, bool Attached, uint ProcessId)
{
    /// <summary>Encodes a <see cref="LinkFrameType.ShellList"/> frame.</summary>
    public static ReadOnlySpan<byte> WriteList(LinkWriter writer, IReadOnlyList<ShellSummary> shells)
    {
        writer.Begin().UInt32((uint)shells.Count);
        foreach (var shell in shells)
        {
            writer.Text(shell.ShellId);
            writer.Int64(shell.Incarnation);
            writer.Int64(shell.EndOffset);
            writer.Byte(shell.Attached ? (byte)1 : (byte)0);
            writer.UInt32(shell.ProcessId);
        }

        return writer.End(LinkFrameType.ShellList, 0);
    }

    /// <summary>Decodes a <see cref="LinkFrameType.ShellList"/> payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is malformed.</exception>
    public static IReadOnlyList<ShellSummary> ReadList(ReadOnlySpan<byte> payload)
    {
        const int shortestEntryBytes = 25;
        var reader = new LinkReader(payload);
        var count = reader.UInt32();
        if (count > payload.Length / shortestEntryBytes)
            throw new LinkProtocolException("a list that is longer than its frame");
        var shells = new ShellSummary[count];
        for (var i = 0; i < shells.Length; i++)
            shells[i] = new ShellSummary(reader.Text(), reader.Int64(), reader.Int64(), reader.Flag(), reader.UInt32());
        return shells;
    }
}

/// <summary>Frames whose payload is a number or nothing.</summary>
public static class LinkSmallFrames
{
    /// <summary>Encodes a <see cref="LinkFrameType.Credit"/> frame.</summary>
    public static ReadOnlySpan<byte> WriteCredit(LinkWriter writer, uint stream, uint bytes)
    {
        writer.Begin().UInt32(bytes);
        return writer.End(LinkFrameType.Credit, stream);
    }

    /// <summary>Decodes a <see cref="LinkFrameType.Credit"/> payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short.</exception>
    public static uint ReadCredit(ReadOnlySpan<byte> payload) => new LinkReader(payload).UInt32();

    /// <summary>Encodes a <see cref="LinkFrameType.Signal"/> frame.</summary>
    public static ReadOnlySpan<byte> WriteSignal(LinkWriter writer, uint stream, byte signal)
    {
        writer.Begin().Byte(signal);
        return writer.End(LinkFrameType.Signal, stream);
    }

    /// <summary>Decodes a <see cref="LinkFrameType.Signal"/> payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is empty.</exception>
    public static byte ReadSignal(ReadOnlySpan<byte> payload) => new LinkReader(payload).Byte();

    /// <summary>Encodes a frame without fields: ListShells, Shutdown, Detach, Hangup.</summary>
    public static ReadOnlySpan<byte> WriteEmpty(LinkWriter writer, LinkFrameType type, uint stream) => writer.Begin().End(type, stream);

    /// <summary>Encodes a frame whose payload is opaque bytes: Ping, Pong, and small Input or Output.</summary>
    public static ReadOnlySpan<byte> WriteBytes(LinkWriter writer, LinkFrameType type, uint stream, ReadOnlySpan<byte> payload)
    {
        writer.Begin().Bytes(payload);
        return writer.End(type, stream);
    }
}
