using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Api;
using Porthole.Server.Shells;

namespace Porthole.Server.Sessions;

/// <summary>
/// The shells of one session as the server knows them: who is attached, who has detached since when. Counts and takes over.
/// The guest keeps the shells themselves.
/// </summary>
internal sealed class SessionShells(ShellLimits limits, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _byId = [];

    /// <summary>How many connections are attached or about to be.</summary>
    public int AttachedCount
    {
        get
        {
            lock (_lock)
                return _byId.Values.Count(entry => entry.IsClaimed || entry.Connection is not null);
        }
    }

    /// <summary>Every shell, attached or not, for listings.</summary>
    public IReadOnlyList<ShellInfo> List()
    {
        lock (_lock)
            return [.. _byId.Select(pair => new ShellInfo(pair.Key, pair.Value.Connection is not null, pair.Value.DetachedAt))];
    }

    /// <summary>Notes a shell that a restarted server found in the guest.</summary>
    public void Adopt(string shellId)
    {
        lock (_lock)
            _byId.TryAdd(shellId, new Entry { DetachedAt = time.GetUtcNow() });
    }

    /// <summary>Claims a shell's name for a client that has not been answered yet.</summary>
    /// <exception cref="AwsException">Too many shells are attached, or another client claims this very name at this moment.</exception>
    public void Claim(string shellId)
    {
        lock (_lock)
        {
            var entry = _byId.GetValueOrDefault(shellId);
            if (entry is { IsClaimed: true })
                throw new AwsException(AwsError.Conflict($"Another client is attaching to shell '{shellId}' right now. Retry in a second."));
            if (entry?.Connection is null && AttachedCountLocked() >= limits.MaxAttachedShells)
                throw new AwsException(AwsError.QuotaExceeded($"The session has {limits.MaxAttachedShells} attached shells, which is the limit. Detach or close one."));
            entry ??= _byId[shellId] = new Entry();
            entry.IsClaimed = true;
        }
    }

    /// <summary>Names the detached shells that have to go so that no more than the limit remain, the longest detached first.</summary>
    public IReadOnlyList<string> TakeEvictions()
    {
        lock (_lock)
        {
            var surplus = _byId.Count - limits.MaxShells;
            if (surplus <= 0)
                return [];
            var evicted = _byId.Where(pair => pair.Value is { IsClaimed: false, Connection: null })
                .OrderBy(pair => pair.Value.DetachedAt).Take(surplus).Select(pair => pair.Key).ToList();
            evicted.ForEach(id => _byId.Remove(id));
            return evicted;
        }
    }

    /// <summary>Makes a connection the shell's own.</summary>
    /// <returns>The one that has it now, which has to be closed first.</returns>
    public ShellConnection? Attach(string shellId, ShellConnection connection)
    {
        lock (_lock)
        {
            var entry = _byId[shellId];
            var before = entry.Connection;
            (entry.Connection, entry.DetachedAt) = (connection, null);
            return before;
        }
    }

    /// <summary>Ends the claim: the client was answered, or gave up.</summary>
    public void Release(string shellId, ShellConnection? connection, bool exists)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(shellId, out var entry))
                return;
            entry.IsClaimed = false;
            if (!exists && entry.Connection == connection && entry.DetachedAt is null)
                _byId.Remove(shellId);
        }
    }

    /// <summary>The connection has ended; the shell stays unless it is gone too.</summary>
    public void Detach(string shellId, ShellConnection connection, bool shellIsGone)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(shellId, out var entry) || entry.Connection != connection)
                return;
            if (shellIsGone)
                _byId.Remove(shellId);
            else
                (entry.Connection, entry.DetachedAt) = (null, time.GetUtcNow());
        }
    }

    /// <summary>Every connection there is.</summary>
    public IReadOnlyList<ShellConnection> Connections()
    {
        lock (_lock)
            return [.. _byId.Values.Select(entry => entry.Connection).OfType<ShellConnection>()];
    }

    private int AttachedCountLocked() => _byId.Values.Count(entry => entry.IsClaimed || entry.Connection is not null);

    private sealed class Entry
    {
        public bool IsClaimed { get; set; }

        public ShellConnection? Connection { get; set; }

        public DateTimeOffset? DetachedAt { get; set; }
    }
}

/// <summary>One shell in a listing.</summary>
/// <param name="ShellId">Its name.</param>
/// <param name="Attached">Whether a client is attached.</param>
/// <param name="DetachedAt">Since when nobody is.</param>
internal sealed record ShellInfo(string ShellId, bool Attached, DateTimeOffset? DetachedAt);
