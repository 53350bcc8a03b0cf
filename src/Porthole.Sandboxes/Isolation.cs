namespace Porthole.Sandboxes;

/// <summary>What stands between a session and its host.</summary>
public enum Isolation
{
    /// <summary>Namespaces of the host's own kernel.</summary>
    Namespace,

    /// <summary>A virtual machine with a kernel of its own.</summary>
    MicroVm,
}

/// <summary>How sessions are isolated that do not say it themselves.</summary>
public enum IsolationChoice
{
    /// <summary>By a microVM where this host has what it takes, hardware virtualisation above all; by namespaces elsewhere.</summary>
    Auto,

    /// <summary>By namespaces.</summary>
    Namespace,

    /// <summary>By a microVM, emulated where the hardware does not help.</summary>
    MicroVm,
}
