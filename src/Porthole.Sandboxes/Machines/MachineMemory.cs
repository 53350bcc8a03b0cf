using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// The memory of a paused machine that was copied from a template, as QEMU has it mapped: the kernel knows which pages it changed
/// (proc_pid_pagemap(5)), and only those are saved. QEMU 7.2 would save all of it, and read it for that, which makes a page of every one
/// that nobody ever used.
/// </summary>
/// <remarks>The file: for each run of pages its place in the machine's memory and its length, 64 bits each, then the bytes; a length of 0 ends it.</remarks>
internal sealed class MachineMemory : IDisposable
{
    private const int PageBytes = 4096, EntryBytes = 8, HeaderBytes = 16, MostPages = 256;

    // proc_pid_pagemap(5): in memory; in swap; of a file, or shared. Private pages, which are the changed ones, are of no file.
    private const ulong Present = 1UL << 63, Swapped = 1UL << 62, OfFile = 1UL << 61;

    private readonly SafeFileHandle _memory;
    private readonly SafeFileHandle _pages;
    private readonly IReadOnlyList<Mapping> _mappings;

    private MachineMemory(SafeFileHandle memory, SafeFileHandle pages, IReadOnlyList<Mapping> mappings) => (_memory, _pages, _mappings) = (memory, pages, mappings);

    /// <summary>Finds a machine's memory.</summary>
    /// <param name="processId">QEMU.</param>
    /// <param name="descriptor">QEMU's descriptor of the template's memory.</param>
    /// <exception cref="IOException">QEMU has ended, or has not mapped it yet.</exception>
    public static MachineMemory Open(int processId, int descriptor)
    {
        var process = $"/proc/{processId}";
        var inode = File.ReadLines($"{process}/fdinfo/{descriptor}").FirstOrDefault(static line => line.StartsWith("ino:", StringComparison.Ordinal))?[4..].Trim();
        var mappings = File.ReadLines($"{process}/maps").Select(static line => line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[1] == "rw-p" && fields[4] == inode).Select(Mapping.Read).ToList();
        if (mappings.Count == 0)
            throw new IOException($"process {processId} has no memory of a machine");
        return new MachineMemory(
            File.OpenHandle($"{process}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite),
            File.OpenHandle($"{process}/pagemap", FileMode.Open, FileAccess.Read, FileShare.ReadWrite),
            mappings);
    }

    /// <summary>Writes all that differs from the template.</summary>
    /// <exception cref="IOException">The disk is full, or QEMU has ended.</exception>
    public void SaveChanges(Stream file)
    {
        var buffer = new byte[HeaderBytes + (MostPages * PageBytes)];
        var entries = new ulong[64 * 1024];
        foreach (var mapping in _mappings)
        {
            var pages = mapping.Length / PageBytes;
            for (var first = 0L; first < pages; first += entries.Length)
            {
                var known = entries.AsSpan(0, (int)Math.Min(entries.Length, pages - first));
                ReadFully(_pages, MemoryMarshal.AsBytes(known), ((mapping.Address / PageBytes) + first) * EntryBytes);
                for (var at = 0; at < known.Length; at++)
                {
                    var count = CountChanged(known[at..]);
                    if (count == 0)
                        continue;
                    var start = (first + at) * PageBytes;
                    WriteHeader(buffer, mapping.Offset + start, count * PageBytes);
                    ReadFully(_memory, buffer.AsSpan(HeaderBytes, count * PageBytes), mapping.Address + start);
                    file.Write(buffer, 0, HeaderBytes + (count * PageBytes));
                    at += count;
                }
            }
        }

        WriteHeader(buffer, 0, 0);
        file.Write(buffer, 0, HeaderBytes);
    }

    /// <summary>Writes what was saved over the template, before the machine runs.</summary>
    /// <exception cref="IOException">The file is not whole, or QEMU has ended.</exception>
    public void Load(Stream file)
    {
        var buffer = new byte[MostPages * PageBytes];
        while (true)
        {
            file.ReadExactly(buffer, 0, HeaderBytes);
            var (offset, length) = (BinaryPrimitives.ReadInt64LittleEndian(buffer), BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(EntryBytes)));
            if (length == 0)
                return;
            if (length < 0 || length > buffer.Length || _mappings.FirstOrDefault(mapping => offset >= mapping.Offset && offset + length <= mapping.Offset + mapping.Length) is not { } into)
                throw new IOException("the saved memory is of another machine, or damaged");
            file.ReadExactly(buffer, 0, (int)length);
            RandomAccess.Write(_memory, buffer.AsSpan(0, (int)length), into.Address + (offset - into.Offset));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _pages.Dispose();
    }

    private static int CountChanged(ReadOnlySpan<ulong> entries)
    {
        var count = 0;
        while (count < Math.Min(entries.Length, MostPages) && ((entries[count] & Swapped) != 0 || (entries[count] & (Present | OfFile)) == Present))
            count++;
        return count;
    }

    private static void WriteHeader(Span<byte> buffer, long offset, long length)
    {
        BinaryPrimitives.WriteInt64LittleEndian(buffer, offset);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[EntryBytes..], length);
    }

    private static void ReadFully(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        while (buffer.Length > 0)
        {
            var count = RandomAccess.Read(file, buffer, offset);
            if (count == 0)
                throw new IOException("QEMU has ended");
            buffer = buffer[count..];
            offset += count;
        }
    }

    private sealed record Mapping(long Address, long Length, long Offset)
    {
        // proc_pid_maps(5): FROM-TO rights offset device inode.
        public static Mapping Read(string[] fields)
        {
            var bounds = fields[0].Split('-').Select(static bound => long.Parse(bound, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
            return new Mapping(bounds[0], bounds[1] - bounds[0], long.Parse(fields[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        }
    }
}
