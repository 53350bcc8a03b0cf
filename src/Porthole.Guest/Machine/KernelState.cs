using System.Globalization;
using System.Text;
using Porthole.Posix;

namespace Porthole.Guest.Machine;

/// <summary>What the kernel of a copied machine has in common with all copies until it is told otherwise.</summary>
internal static unsafe class KernelState
{
    private const int NanosecondsPerTick = 100;

    /// <summary>Sets the clock.</summary>
    /// <param name="ticks">Units of 100 ns since 1970.</param>
    /// <exception cref="PosixException">The kernel refused.</exception>
    public static void SetTime(long ticks)
    {
        var time = new Libc.TimeSpec { Seconds = ticks / TimeSpan.TicksPerSecond, Nanoseconds = ticks % TimeSpan.TicksPerSecond * NanosecondsPerTick };
        if (Libc.ClockSetTime(Libc.CLOCK_REALTIME, &time) < 0)
            throw PosixException.FromLast("set the clock");
    }

    /// <summary>Mixes bytes into the random number generator, counts them as random, and has it draw a new key at once (random(4)).</summary>
    /// <exception cref="IOException">There are too few, or the kernel refused: nothing may run then.</exception>
    public static void AddEntropy(ReadOnlySpan<byte> entropy)
    {
        const int fewest = 32, headerInts = 2, bitsPerByte = 8;
        if (entropy.Length < fewest)
            throw new IOException($"{entropy.Length} bytes of entropy are too few");

        // struct rand_pool_info: bits of entropy, bytes that follow, the bytes.
        var pool = stackalloc int[headerInts + (entropy.Length + sizeof(int) - 1) / sizeof(int)];
        (pool[0], pool[1]) = (entropy.Length * bitsPerByte, entropy.Length);
        entropy.CopyTo(new Span<byte>(pool + headerInts, entropy.Length));
        using var device = Descriptor.Open("/dev/urandom", Libc.O_RDWR);
        if (Libc.Ioctl(device.Number, Libc.RNDADDENTROPY, pool) < 0 || Libc.Ioctl(device.Number, Libc.RNDRESEEDCRNG, null) < 0)
            throw PosixException.FromLast("seed the random number generator");
    }

    /// <summary>Sets the name of the machine.</summary>
    /// <exception cref="PosixException">It is too long.</exception>
    public static void SetHostName(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        fixed (byte* start = bytes)
        {
            if (Libc.SetHostName(start, (nuint)bytes.Length) < 0)
                throw PosixException.FromLast("set the host name");
        }
    }

    /// <summary>Limits the threads of all processes together. The kernel refuses fewer than 20.</summary>
    public static void SetProcessLimit(uint processes) =>
        File.WriteAllText("/proc/sys/kernel/threads-max", processes.ToString(CultureInfo.InvariantCulture));
}
