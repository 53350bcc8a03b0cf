namespace Porthole.Sandboxes;

/// <summary>How a host stands in one respect.</summary>
public enum HostCheckStatus
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Sessions run, but less well or less apart than they could.</summary>
    Warn,

    /// <summary>Sessions cannot run.</summary>
    Fail,
}

/// <summary>One thing that sandboxes need of their host.</summary>
/// <param name="Name">A few words.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Meaning">What was found, and what follows for sessions.</param>
/// <param name="Advice">What to install or to do; null when nothing.</param>
public sealed record HostCheck(string Name, HostCheckStatus Status, string Meaning, string? Advice);
