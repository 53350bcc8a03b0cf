namespace Porthole.Protocol.Link;

/// <summary>The other end of a guest link sent something that the protocol does not allow. The lane is of no more use.</summary>
public sealed class LinkProtocolException(string message) : Exception("guest link: " + message);
