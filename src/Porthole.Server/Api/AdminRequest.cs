using Porthole.Protocol.Aws;
using Porthole.Server.Auth;

namespace Porthole.Server.Api;

/// <summary>A request to the server's own API whose caller is known and allowed.</summary>
/// <param name="Target">The request line, parsed.</param>
/// <param name="Caller">Who asks.</param>
/// <param name="Body">The body, read in full for its signature; empty for GET.</param>
internal sealed record AdminRequest(RequestTarget Target, Caller Caller, ReadOnlyMemory<byte> Body);
