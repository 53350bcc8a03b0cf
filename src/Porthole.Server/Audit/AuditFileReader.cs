namespace Porthole.Server.Audit;

/// <summary>Reads whole lines from a file that may still grow.</summary>
internal sealed class AuditFileReader : IDisposable
{
    private readonly FileStream _file;
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    private AuditFileReader(FileStream file) => _file = file;

    /// <summary>Opens a file; null when it has been removed meanwhile.</summary>
    public static AuditFileReader? Open(string path)
    {
        try
        {
            return new AuditFileReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The next line without its end, valid until the next call; null when no whole line is there yet.</summary>
    public ReadOnlyMemory<byte>? ReadLine()
    {
        var searched = 0;
        while (true)
        {
            var length = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (length >= 0)
            {
                var line = _buffer.AsMemory(_start, searched + length);
                _start += line.Length + 1;
                return line;
            }

            searched = _end - _start;
            if (!Fill())
                return null;
        }
    }

    public void Dispose() => _file.Dispose();

    private bool Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var count = _file.Read(_buffer.AsSpan(_end));
        _end += count;
        return count > 0;
    }
}
