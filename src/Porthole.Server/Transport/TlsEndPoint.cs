using System.Net;

namespace Porthole.Server.Transport;

/// <summary>An address on which clients speak TLS.</summary>
internal sealed class TlsEndPoint(IPAddress address, int port) : IPEndPoint(address, port);
