using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>A command without a terminal: its process and the reading ends of its pipes. The home loop closes it.</summary>
internal sealed class Command(int processId, Descriptor output, Descriptor errorOutput) : IDisposable
{
    /// <summary>The first process, whose number is that of its session and group as well.</summary>
    public int ProcessId { get; } = processId;

    /// <summary>Its standard output, non-blocking.</summary>
    public Descriptor Output { get; } = output;

    /// <summary>Its standard error, non-blocking.</summary>
    public Descriptor ErrorOutput { get; } = errorOutput;

    /// <inheritdoc/>
    public void Dispose()
    {
        Output.Dispose();
        ErrorOutput.Dispose();
    }
}
