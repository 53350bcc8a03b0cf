using System.Collections.Concurrent;
using Porthole.Protocol.Shells;
using Porthole.Server.Store;

namespace Porthole.Server.Shells;

/// <summary>The open connections to shells by who opened them, so that a revoked key is not good for another hour.</summary>
internal sealed class CallerConnections
{
    private readonly ConcurrentDictionary<ShellConnection, string> _open = new();

    /// <summary>Notes a connection until the result is disposed.</summary>
    public IDisposable Add(string principal, ShellConnection connection)
    {
        _open[connection] = principal;
        return new Removal(this, connection);
    }

    /// <summary>Closes every connection of an access key. The shells stay.</summary>
    /// <returns>How many there were.</returns>
    public int CloseAll(string principal)
    {
        var connections = _open.Where(pair => pair.Value == principal).Select(static pair => pair.Key).ToList();
        foreach (var connection in connections)
            connection.Close(ShellCloseCode.LimitReached, "the access key was revoked", ConnectionEnd.KeyRevoked);
        return connections.Count;
    }

    private sealed class Removal(CallerConnections owner, ShellConnection connection) : IDisposable
    {
        public void Dispose() => owner._open.TryRemove(connection, out _);
    }
}
