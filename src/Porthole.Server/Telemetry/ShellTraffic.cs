using Porthole.Server.Shells;

namespace Porthole.Server.Telemetry;

/// <summary>Bytes of all shell connections, past and present. Connections count for themselves; the sum is made when somebody asks.</summary>
internal sealed class ShellTraffic
{
    private readonly Lock _lock = new();
    private readonly HashSet<ShellConnection> _connections = [];
    private long _pastIn;
    private long _pastOut;

    public void Begin(ShellConnection connection)
    {
        lock (_lock)
            _connections.Add(connection);
    }

    /// <summary>The connection has ended.</summary>
    public void End(ShellConnection connection, ShellConnectionEnd end)
    {
        lock (_lock)
        {
            if (!_connections.Remove(connection))
                return;
            _pastIn += end.BytesIn;
            _pastOut += end.BytesOut;
        }
    }

    /// <summary>Bytes typed and bytes printed since the server's start.</summary>
    public (long In, long Out) Sum()
    {
        lock (_lock)
            return (_pastIn + _connections.Sum(connection => connection.BytesIn), _pastOut + _connections.Sum(connection => connection.BytesOut));
    }
}
