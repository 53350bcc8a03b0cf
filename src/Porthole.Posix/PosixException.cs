namespace Porthole.Posix;

/// <summary>A Linux call failed: which one, and why.</summary>
public sealed class PosixException : IOException
{
    /// <summary>Reports that <paramref name="operation"/> failed with <paramref name="number"/>.</summary>
    /// <param name="operation">The call and its object, as a person would name it: "open /dev/ptmx".</param>
    /// <param name="number">The error number, see errno(3).</param>
    public PosixException(string operation, int number)
        : base($"{operation}: {Errno.Describe(number)}", number)
    {
        Number = number;
    }

    /// <summary>The error number, see errno(3).</summary>
    public int Number { get; }

    /// <summary>The exception for the call that has just failed on this thread.</summary>
    public static PosixException FromLast(string operation) => new(operation, Errno.Last);
}
