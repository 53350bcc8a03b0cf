using System.Security.Cryptography;
using System.Text;

namespace Porthole.Server.Sessions;

/// <summary>What names a session: its runtime, the endpoint it was reached through, and the client's id (contract section 10).</summary>
internal sealed record SessionKey(string RuntimeId, string Qualifier, string SessionId)
{
    /// <summary>A directory name of fixed length: ids may be 256 characters long, which not every path has room for.</summary>
    public string DirectoryName =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{RuntimeId}\n{Qualifier}\n{SessionId}")).AsSpan(0, 16));
}
