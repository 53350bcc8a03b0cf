using System.Globalization;

namespace Porthole.Server.Audit;

/// <summary>
/// The files of the audit trail: appended to, followed by the next one when the day (UTC) or the file is full, the oldest removed so that all
/// together keep within a bound. A line is in a file whole or not at all.
/// </summary>
internal sealed class AuditFiles(string directory, AuditOptions options, TimeProvider time) : IDisposable
{
    private const UnixFileMode OwnerReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private FileStream? _file;
    private string _day = "";

    public string Directory => directory;

    /// <summary>The files there are, oldest first. Names sort by time.</summary>
    public static IReadOnlyList<string> List(string directory) =>
        System.IO.Directory.Exists(directory) ? [.. System.IO.Directory.EnumerateFiles(directory, "*.jsonl").Order(StringComparer.Ordinal)] : [];

    /// <summary>Appends whole lines. When it fails, nothing of them was written.</summary>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory or a file does not allow it.</exception>
    public void Append(ReadOnlySpan<byte> lines)
    {
        var file = Current(lines.Length);
        var before = file.Length;
        try
        {
            file.Write(lines);
        }
        catch (IOException)
        {
            // A full disk takes a part of what it is given.
            file.SetLength(before);
            file.Position = before;
            throw;
        }
    }

    public void Dispose() => _file?.Dispose();

    private FileStream Current(int coming)
    {
        var day = time.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        if (_file is not null && _day == day && _file.Length + coming <= options.MaxFileBytes && File.Exists(_file.Name))
            return _file;
        _file?.Dispose();
        _file = null;
        _day = day;
        return _file = Open(Next(day, coming));
    }

    // The last file of the day is gone on with, by the next server too.
    private string Next(string day, int coming)
    {
        System.IO.Directory.CreateDirectory(directory, OwnerReadWrite | UnixFileMode.UserExecute);
        var last = List(directory).LastOrDefault(path => Path.GetFileName(path).StartsWith(day, StringComparison.Ordinal));
        if (last is not null && new FileInfo(last).Length + coming <= options.MaxFileBytes)
            return last;
        MakeRoom();
        var number = last is null ? 1 : int.Parse(Path.GetFileNameWithoutExtension(last)[(day.Length + 1)..], CultureInfo.InvariantCulture) + 1;
        return Path.Combine(directory, $"{day}.{number:0000}.jsonl");
    }

    private void MakeRoom()
    {
        var files = List(directory).Select(path => new FileInfo(path)).ToList();
        var total = files.Sum(file => file.Length) + options.MaxFileBytes;
        foreach (var file in files.TakeWhile(_ => total > options.MaxTotalBytes))
        {
            total -= file.Length;
            file.Delete();
        }
    }

    private static FileStream Open(string path)
    {
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = OwnerReadWrite,
        });

        // The host may have gone down in the middle of a line.
        file.Seek(-Math.Min(1, file.Length), SeekOrigin.End);
        if (file.ReadByte() is not (-1 or '\n'))
            file.WriteByte((byte)'\n');
        return file;
    }
}
