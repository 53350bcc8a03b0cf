namespace Porthole.Client;

/// <summary>What one read of a <see cref="ShellConnection"/> gives: output or a notice.</summary>
/// <param name="Output">
/// Bytes that the shell printed, valid until the next read; empty with a notice. A character can be split between two reads.
/// </param>
/// <param name="Notice">Something else that happened; null with output.</param>
public readonly record struct ShellMessage(ReadOnlyMemory<byte> Output, ShellNotice? Notice);
