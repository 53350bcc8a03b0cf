namespace Porthole.Sandboxes;

/// <summary>What stands between a session and its host.</summary>
public enum Isolation
{
    /// <summary>Namespaces of the host's own kernel.</summary>
    Namespace,

    /// <summary>A virtual machine with a kernel of its own.</summary>
    MicroVm,
}
