namespace Porthole.Sandboxes;

/// <summary>The descriptors that a new sandbox gets beside input and outputs. Only the first of them reaches the guest.</summary>
internal static class SandboxDescriptors
{
    /// <summary>The guest's listening socket.</summary>
    public const int Link = 3;

    /// <summary>bubblewrap's options: not on its command line, which those inside can read.</summary>
    public const int Arguments = 4;

    /// <summary>Where bubblewrap reports the first process inside.</summary>
    public const int Info = 5;

    /// <summary>Held open by the first process inside and by nobody else: who waits for its end knows when the sandbox has ended.</summary>
    public const int Lifetime = 6;

    /// <summary>The seccomp filter.</summary>
    public const int Seccomp = 7;

    /// <summary>The first of those that depend on what runs inside.</summary>
    public const int Others = 8;

    /// <summary>
    /// The user namespace of the sandbox's own ids, which the launcher puts there; for sandboxes that have more than one id. bubblewrap 0.8 leaves
    /// it open behind itself: those inside have in it what they are anyway.
    /// </summary>
    public const int UserNamespace = Others;
}
