namespace Porthole.Bench;

/// <summary>Something that the person who runs the benchmark can read and act on.</summary>
internal class BenchException(string message) : Exception(message);

/// <summary>A shell's byte stream ended while more was expected from it.</summary>
internal sealed class TerminalEndedException(string message) : BenchException(message);
