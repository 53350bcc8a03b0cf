using System.Buffers;
using Porthole.Posix;

namespace Porthole.Server.Shells;

/// <summary>One thread of the relay, with the buffers that its connections share: an idle connection needs none of its own.</summary>
internal sealed class RelayLoop
{
    /// <summary>Room in front of received bytes, for a header that is longer than the one it replaces and bytes held back from before.</summary>
    public const int HeadroomBytes = 16;

    /// <summary>
    /// Bytes read at once. A WebSocket message that is sent carries at most 65,536 bytes with its channel byte (contract section 4.5),
    /// and what is read at once is never more than one.
    /// </summary>
    public const int ReadBytes = 64 * 1024 - HeadroomBytes;

    public RelayLoop(string name)
    {
        Name = name;
        Events = new EventLoop(name);
        Events.Start();
    }

    public string Name { get; }

    public EventLoop Events { get; }

    /// <summary>For bytes from clients. Pinned, because descriptors are read straight into it.</summary>
    public byte[] FromClient { get; } = GC.AllocateUninitializedArray<byte>(HeadroomBytes + ReadBytes, pinned: true);

    /// <summary>For bytes from clients that speak TLS, before they are opened into <see cref="FromClient"/>.</summary>
    public byte[] Records { get; } = GC.AllocateUninitializedArray<byte>(HeadroomBytes + ReadBytes, pinned: true);

    /// <summary>For frames to clients that speak TLS, sealed.</summary>
    public ArrayBufferWriter<byte> Sealed { get; } = new();

    /// <summary>For bytes from guests.</summary>
    public byte[] FromGuest { get; } = GC.AllocateUninitializedArray<byte>(HeadroomBytes + ReadBytes, pinned: true);
}
