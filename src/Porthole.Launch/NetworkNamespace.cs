using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>A visit to the network namespace of a sandbox, for those steps that root can do there from outside.</summary>
internal static class NetworkNamespace
{
    private static Descriptor? _own;

    /// <summary>Goes there.</summary>
    public static void Enter(int descriptor)
    {
        _own = Descriptor.Open("/proc/thread-self/ns/net", Libc.O_RDONLY);
        if (Libc.SetNs(descriptor, Libc.CLONE_NEWNET) < 0)
            throw PosixException.FromLast("enter the sandbox's network");
    }

    /// <summary>Comes back.</summary>
    public static void Leave()
    {
        if (_own is null || Libc.SetNs(_own.Number, Libc.CLONE_NEWNET) < 0)
            throw PosixException.FromLast("leave the sandbox's network");
        _own.Dispose();
    }
}
