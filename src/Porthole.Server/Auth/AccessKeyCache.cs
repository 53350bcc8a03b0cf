using System.Collections.Frozen;
using System.Data.Common;
using Microsoft.Extensions.Logging;
using Porthole.Server.Auth.Policies;
using Porthole.Server.Store;

namespace Porthole.Server.Auth;

/// <summary>An access key that works.</summary>
/// <param name="Key">The key.</param>
/// <param name="Policy">What it may do; null for everything.</param>
internal sealed record ActiveKey(AccessKey Key, Policy? Policy);

/// <summary>
/// The access keys in memory, so that a request waits for no disk. Another process may add or remove keys, so the copy is short-lived, and
/// an unknown key makes it look again, at most once a second however many strangers knock.
/// </summary>
/// <param name="store">Where the keys are.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Gets a store that cannot be read.</param>
public sealed class AccessKeyCache(PortholeStore store, TimeProvider time, ILogger<AccessKeyCache> logger)
{
    /// <summary>How long a key still works that another process has removed.</summary>
    internal static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(10);

    /// <summary>How long a key may still be unknown that another process has made.</summary>
    internal static readonly TimeSpan MinAge = TimeSpan.FromSeconds(1);

    private readonly Lock _reading = new();
    private volatile Copy? _copy;

    /// <summary>The access key with an id; null when there is no such key, or no more.</summary>
    internal ActiveKey? Find(string accessKeyId)
    {
        var copy = _copy;
        if (copy is null || IsTooOld(copy, accessKeyId)) copy = Read(copy, accessKeyId);
        return copy.Keys.GetValueOrDefault(accessKeyId);
    }

    /// <summary>Forgets the copy, after this process has changed a key.</summary>
    internal void Forget()
    {
        lock (_reading)
            _copy = null;
    }

    private bool IsTooOld(Copy copy, string accessKeyId)
    {
        var age = time.GetElapsedTime(copy.ReadAt);
        return age > MaxAge || (age > MinAge && !copy.Keys.ContainsKey(accessKeyId));
    }

    private Copy Read(Copy? seen, string accessKeyId)
    {
        lock (_reading)
        {
            // Somebody else may have read while we waited.
            if (_copy is { } newer && !ReferenceEquals(newer, seen) && !IsTooOld(newer, accessKeyId)) return newer;
            var now = time.GetTimestamp();
            try
            {
                var active = store.ReadAccessKeys().Where(static key => key.RevokedAt is null);
                _copy = new Copy(active.ToFrozenDictionary(static key => key.AccessKeyId, key => new ActiveKey(key, PolicyOf(key))), now);
            }
            catch (DbException e) when (_copy is not null)
            {
                // A disk that cannot be read must not lock out those who were let in a moment ago.
                AuthLog.KeysUnreadable(logger, e);
                _copy = _copy with { ReadAt = now };
            }

            return _copy;
        }
    }

    private Policy? PolicyOf(AccessKey key)
    {
        try
        {
            return key.Policy is null ? null : Policy.ParseForPrincipal(key.Policy);
        }
        catch (PolicyException e)
        {
            // Another version may have taken it. What is not understood allows nothing.
            AuthLog.PolicyNotUnderstood(logger, key.AccessKeyId, e.Message);
            return Policy.Nothing;
        }
    }

    private sealed record Copy(FrozenDictionary<string, ActiveKey> Keys, long ReadAt);
}
