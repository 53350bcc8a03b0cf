namespace Porthole.Server.Control;

/// <summary>How many requests the control plane takes. The defaults are the quotas that the service documents (contract section 6).</summary>
public sealed record ControlPlaneLimits
{
    /// <summary>Requests a second that make, change or delete something.</summary>
    public int MaxChangesPerSecond { get; init; } = 50;

    /// <summary>Requests a second that ask for one thing.</summary>
    public int MaxReadsPerSecond { get; init; } = 150;

    /// <summary>Requests a second that ask for a list.</summary>
    public int MaxListsPerSecond { get; init; } = 25;
}
