namespace Porthole.Bench.Terminals;

/// <summary>A shell behind a child process: on a terminal of our own, or through the pipes of a client such as ssh.</summary>
internal sealed class ProgramTerminal(Child child) : Terminal
{
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(256 * 1024, pinned: true);

    public override int ReadDescriptor => child.Output;

    public override ReadOnlySpan<byte> Read()
    {
        var count = Native.ReadSome(child.Output, _buffer);
        return count > 0 ? _buffer.AsSpan(0, count) : throw new TerminalEndedException("the program closed its output");
    }

    public override void Write(ReadOnlySpan<byte> input) => Native.WriteAll(child.Input, input);

    // SIGTERM lets ssh close its connection; a shell on our own terminal ignores it and gets its SIGHUP when the master closes.
    public override void End() => child.Signal(child.Input == child.Output ? Native.SIGKILL : Native.SIGTERM);

    public override void Abort() => child.Signal(Native.SIGKILL);

    public override void Dispose()
    {
        child.Signal(Native.SIGKILL);
        child.CloseDescriptors();
    }
}
