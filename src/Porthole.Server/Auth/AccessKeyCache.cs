using System.Collections.Frozen;
using System.Data.Common;
using Microsoft.Extensions.Logging;
using Porthole.Server.Store;

namespace Porthole.Server.Auth;

/// <summary>
/// The access keys in memory, so that a request waits for no disk. Another process may add or remove keys, so the copy is short-lived, and
/// an unknown key makes it look again, at most once a second however many strangers knock.
/// </summary>
/// <param name="store">Where the keys are.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Gets a store that cannot be read.</param>
internal sealed class AccessKeyCache(PortholeStore store, TimeProvider time, ILogger logger)
{
    /// <summary>How long a removed key still works.</summary>
    internal static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(10);

    /// <summary>How long a new key may still be unknown.</summary>
    internal static readonly TimeSpan MinAge = TimeSpan.FromSeconds(1);

    private readonly Lock _reading = new();
    private volatile Copy? _copy;

    /// <summary>The secret of an access key; null when there is no such key.</summary>
    internal string? SecretOf(string accessKeyId)
    {
        var copy = _copy;
        if (copy is null || IsTooOld(copy, accessKeyId)) copy = Read(copy, accessKeyId);
        return copy.Secrets.GetValueOrDefault(accessKeyId);
    }

    private bool IsTooOld(Copy copy, string accessKeyId)
    {
        var age = time.GetElapsedTime(copy.ReadAt);
        return age > MaxAge || (age > MinAge && !copy.Secrets.ContainsKey(accessKeyId));
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
                _copy = new Copy(store.ReadAccessKeys().ToFrozenDictionary(key => key.AccessKeyId, key => key.SecretAccessKey), now);
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

    private sealed record Copy(FrozenDictionary<string, string> Secrets, long ReadAt);
}
