using System.Runtime.InteropServices;
using System.Text;

namespace Porthole.Posix;

/// <summary>A NULL-terminated array of C strings, as execve(2) takes it, in unmanaged memory.</summary>
public sealed unsafe class CStrings : IDisposable
{
    private readonly byte** _array;
    private readonly int _count;

    /// <summary>Copies the strings as UTF-8.</summary>
    /// <exception cref="ArgumentException">A string holds a NUL, which C cannot express.</exception>
    public CStrings(IReadOnlyList<string> strings)
    {
        _array = (byte**)NativeMemory.AllocZeroed((nuint)(strings.Count + 1), (nuint)sizeof(byte*));
        foreach (var text in strings)
            _array[_count++] = Copy(text);
    }

    /// <summary>The array, valid until this object is disposed.</summary>
    public byte** Pointer => _array;

    /// <summary>Copies one string into unmanaged memory; free it with <see cref="NativeMemory.Free"/>.</summary>
    /// <exception cref="ArgumentException">The string holds a NUL.</exception>
    public static byte* Copy(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("a C string cannot hold a NUL character", nameof(text));
        var length = Encoding.UTF8.GetByteCount(text);
        var copy = (byte*)NativeMemory.Alloc((nuint)length + 1);
        Encoding.UTF8.GetBytes(text, new Span<byte>(copy, length));
        copy[length] = 0;
        return copy;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
            NativeMemory.Free(_array[i]);
        NativeMemory.Free(_array);
        GC.SuppressFinalize(this);
    }
}
