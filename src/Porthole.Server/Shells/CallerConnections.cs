using System.Collections.Concurrent;

namespace Porthole.Server.Shells;

/// <summary>The open connections by who opened them, so that a revoked key is not good for another hour.</summary>
internal sealed class CallerConnections
{
    /// <summary>The reason that clients are given.</summary>
    public const string Revoked = "the access key was revoked";

    private readonly ConcurrentDictionary<Entry, string> _open = new();

    /// <summary>Notes a connection until the result is disposed.</summary>
    /// <param name="principal">Who opened it.</param>
    /// <param name="close">Closes it because the key was revoked; any thread, and again at will.</param>
    public IDisposable Add(string principal, Action close)
    {
        var entry = new Entry(this, close);
        _open[entry] = principal;
        return entry;
    }

    /// <summary>Closes every connection of an access key. The shells stay.</summary>
    /// <returns>How many there were.</returns>
    public int CloseAll(string principal)
    {
        var entries = _open.Where(pair => pair.Value == principal).Select(static pair => pair.Key).ToList();
        entries.ForEach(static entry => entry.Close());
        return entries.Count;
    }

    private sealed class Entry(CallerConnections owner, Action close) : IDisposable
    {
        public void Close() => close();

        public void Dispose() => owner._open.TryRemove(this, out _);
    }
}
