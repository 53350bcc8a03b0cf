using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;

namespace Porthole.Guest;

/// <summary>Starts the program that the server asked for, in a session of its own, or says why that cannot be.</summary>
internal static unsafe class ProgramStart
{
    // What execvp(3) searches when the environment names no PATH, with the places where most images keep things.
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Starts a shell in a new terminal.</summary>
    /// <exception cref="LinkFailureException">It cannot be started.</exception>
    public static Shell StartShell(AttachShell request)
    {
        var program = request.Program!;
        PseudoTerminal? terminal = null;
        OutputRing? ring = null;
        try
        {
            terminal = PseudoTerminal.Open(request.Size.Columns, request.Size.Rows);
            var replayBytes = (int)Math.Clamp(request.RingBytes, 4 * 1024, 16 * 1024 * 1024);
            ring = new OutputRing(replayBytes + ShellLimits.MaxBytesUnderWay);
            var processId = Start(program, terminal.SlavePath, []);

            // The shell itself answers a person. What it starts is as everything else.
            TimeSlice.TrySet(processId, TimeSlice.Shortest);
            return new Shell(request.ShellId, terminal, ring, replayBytes, processId);
        }
        catch (Exception error) when (error is PosixException or LinkFailureException or ArgumentException)
        {
            ring?.Dispose();
            terminal?.Dispose();
            throw Explain(error, program);
        }
    }

    /// <summary>Starts a command with /dev/null as input and a pipe each for output and error output.</summary>
    /// <exception cref="LinkFailureException">It cannot be started.</exception>
    public static Command StartCommand(StartCommand request)
    {
        var descriptors = new List<Descriptor>();
        try
        {
            var (output, outputWriter) = Pipe(descriptors);
            var (errorOutput, errorWriter) = Pipe(descriptors);
            var processId = Start(request.Program, null, [-1, outputWriter.Number, errorWriter.Number]);
            outputWriter.Dispose();
            errorWriter.Dispose();
            return new Command(processId, output, errorOutput);
        }
        catch (Exception error) when (error is PosixException or LinkFailureException or ArgumentException)
        {
            descriptors.ForEach(descriptor => descriptor.Dispose());
            throw Explain(error, request.Program);
        }
    }

    /// <summary>Starts the agent with /dev/null as input and one pipe for all that it prints.</summary>
    /// <exception cref="LinkFailureException">It cannot be started.</exception>
    public static (int ProcessId, Descriptor Output) StartAgent(ProgramSpec program)
    {
        var descriptors = new List<Descriptor>();
        try
        {
            var (output, writer) = Pipe(descriptors);
            var processId = Start(program, null, [-1, writer.Number, writer.Number]);
            writer.Dispose();
            return (processId, output);
        }
        catch (Exception error) when (error is PosixException or LinkFailureException or ArgumentException)
        {
            descriptors.ForEach(descriptor => descriptor.Dispose());
            throw Explain(error, program);
        }
    }

    private static int Start(ProgramSpec program, string? terminal, IReadOnlyList<int> descriptors)
    {
        var start = new ProcessStart
        {
            Path = program.Arguments[0] == ProgramSpec.GuestItself ? "/proc/self/exe" : Find(program),
            Arguments = program.Arguments,
            Environment = program.Environment,
            Directory = IsReachable(program.Directory + "/.") ? program.Directory : "/",
            Terminal = terminal,
            Descriptors = descriptors,
        };
        return start.Start();
    }

    private static string Find(ProgramSpec program) => TryFind(program.Arguments[0], program.Environment)
        ?? throw new LinkFailureException(LinkFailureReason.CannotStart, $"{program.Arguments[0]}: {Errno.Describe(Errno.ENOENT)}");

    /// <summary>Finds the file to execute as execvp(3) does: a name with a slash is a path, any other is looked up in the environment's PATH.</summary>
    /// <returns>Null when no directory has it.</returns>
    public static string? TryFind(string name, IReadOnlyList<string> environment)
    {
        const string variable = "PATH=";
        if (name.Contains('/', StringComparison.Ordinal))
            return name;
        var path = environment.LastOrDefault(entry => entry.StartsWith(variable, StringComparison.Ordinal))?[variable.Length..] ?? DefaultPath;
        var directories = name.Length == 0 ? [] : path.Split(':');
        return directories.Select(directory => $"{(directory.Length == 0 ? "." : directory)}/{name}").FirstOrDefault(file => IsReachable(file) && !IsReachable(file + "/."));
    }

    /// <summary>Whether a file can be executed, or a directory (with "/." behind it) be entered.</summary>
    private static bool IsReachable(string path)
    {
        var copy = CStrings.Copy(path);
        try
        {
            return Libc.Access(copy, Libc.X_OK) == 0;
        }
        finally
        {
            NativeMemory.Free(copy);
        }
    }

    private static (Descriptor Reader, Descriptor Writer) Pipe(List<Descriptor> opened)
    {
        var pair = stackalloc int[2];
        if (Libc.Pipe2(pair, Libc.O_CLOEXEC) < 0)
            throw PosixException.FromLast("pipe");
        var (reader, writer) = (new Descriptor(pair[0]), new Descriptor(pair[1]));
        opened.Add(reader);
        opened.Add(writer);
        reader.SetNonBlocking(); // Only this end: programs expect a blocking standard output.
        return (reader, writer);
    }

    private static LinkFailureException Explain(Exception error, ProgramSpec program)
    {
        if (error is LinkFailureException explained)
            return explained;
        if (error is not PosixException posix)
            return new LinkFailureException(LinkFailureReason.CannotStart, $"{program.Arguments[0]}: {error.Message}");
        var isShortage = posix.Number is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE or Errno.ENOSPC;
        return isShortage
            ? new LinkFailureException(LinkFailureReason.OutOfResources, posix.Message)
            : new LinkFailureException(LinkFailureReason.CannotStart, $"{program.Arguments[0]}: {Errno.Describe(posix.Number)}");
    }
}
