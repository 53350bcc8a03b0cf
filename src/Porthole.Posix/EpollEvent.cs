using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Porthole.Posix;

/// <summary>struct epoll_event: 12 bytes without padding on x86-64, 16 bytes elsewhere (epoll_event(3type)).</summary>
internal static unsafe class EpollEvent
{
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    public static int Bytes => DataOffset + sizeof(ulong);

    public static (PollEvents Ready, ulong Data) Read(byte* entry) =>
        (*(PollEvents*)entry, Unsafe.ReadUnaligned<ulong>(entry + DataOffset));

    public static void Write(byte* entry, PollEvents interest, ulong data)
    {
        *(PollEvents*)entry = interest;
        Unsafe.WriteUnaligned(entry + DataOffset, data);
    }
}
