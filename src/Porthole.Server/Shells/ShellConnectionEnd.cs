using Porthole.Server.Store;

namespace Porthole.Server.Shells;

/// <summary>How a shell connection ended.</summary>
/// <param name="End">The kind of end, for the audit trail.</param>
/// <param name="CloseCode">The WebSocket close code that was sent or received; 1006 when the connection broke without one.</param>
/// <param name="Reason">For people and the audit trail.</param>
/// <param name="BytesIn">Bytes typed.</param>
/// <param name="BytesOut">Bytes printed that were handed to the client's socket.</param>
/// <param name="ShellIsGone">Whether the shell itself has ended or is being ended; otherwise it is detached.</param>
internal sealed record ShellConnectionEnd(ConnectionEnd End, int CloseCode, string Reason, long BytesIn, long BytesOut, bool ShellIsGone);
