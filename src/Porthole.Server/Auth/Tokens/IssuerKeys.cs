using Microsoft.Extensions.Logging;

namespace Porthole.Server.Auth.Tokens;

/// <summary>
/// What is known of one issuer. Fetched when first needed and again every hour; and when a token names a key that is not known, since issuers
/// change their keys, but at most every <see cref="MinInterval"/>, since strangers can name keys too. When the issuer cannot be reached, the
/// last that is known of it stays in force.
/// </summary>
internal sealed class IssuerKeys(string discoveryUrl, Func<string, Task<Issuer>> fetch, TimeProvider time, ILogger log)
{
    internal static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);
    internal static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private Issuer? _known;
    private long _knownAt;
    private long? _triedAt;
    private IssuerException? _failure;
    private Task _fetching = Task.CompletedTask;

    /// <summary>What is known, fetched when nothing is.</summary>
    /// <exception cref="IssuerException">Nothing is known, and nothing can be had now.</exception>
    internal async Task<Issuer> GetAsync(CancellationToken cancellationToken)
    {
        if (_known is { } known)
        {
            if (time.GetElapsedTime(_knownAt) > MaxAge) _ = Fetch();
            return known;
        }

        await Fetch().WaitAsync(cancellationToken);
        return _known ?? throw _failure!;
    }

    /// <summary>What is known now, other than what was known before; null when there is nothing newer, or it is too early to ask again.</summary>
    internal async Task<Issuer?> GetNewerAsync(Issuer seen, CancellationToken cancellationToken)
    {
        if (ReferenceEquals(_known, seen)) await Fetch().WaitAsync(cancellationToken);
        return ReferenceEquals(_known, seen) ? null : _known;
    }

    // One at a time, for all who wait. It ends, because each document's time is bounded, and never fails: what went wrong is noted.
    private Task Fetch()
    {
        lock (_gate)
        {
            if (!_fetching.IsCompleted || (_triedAt is { } at && time.GetElapsedTime(at) < MinInterval)) return _fetching;
            _triedAt = time.GetTimestamp();
            return _fetching = Task.Run(FetchNowAsync, CancellationToken.None);
        }
    }

    private async Task FetchNowAsync()
    {
        try
        {
            _known = await fetch(discoveryUrl);
            _knownAt = time.GetTimestamp();
        }
        catch (IssuerException e)
        {
            _failure = e;
            AuthLog.IssuerUnknown(log, discoveryUrl, _known is null ? "its tokens are refused" : "the keys that are known stay in force", e.Message);
        }
    }
}
