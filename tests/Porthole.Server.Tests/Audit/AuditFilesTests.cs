using System.Text;
using Porthole.Server.Audit;
using Porthole.Server.Tests.Store;

namespace Porthole.Server.Tests.Audit;

/// <summary>Files of lines: when one follows another, how many there are, and what a full disk leaves of them.</summary>
public sealed class AuditFilesTests : IDisposable
{
    private static readonly byte[] Line = Encoding.ASCII.GetBytes(new string('x', 99) + "\n");

    private readonly TemporaryDirectory _temporary = new();
    private readonly ManualTime _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private string Directory => Path.Combine(_temporary.Path, "audit");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_full_file_is_followed_by_the_next_one()
    {
        using var files = Files(maxFileBytes: 250);
        for (var i = 0; i < 5; i++) files.Append(Line);
        Assert.Equal([200, 200, 100], Lengths());
    }

    [Fact]
    public void A_new_day_has_a_new_file()
    {
        using var files = Files();
        files.Append(Line);
        _time.Advance(TimeSpan.FromDays(1));
        files.Append(Line);
        Assert.Equal([100, 100], Lengths());
    }

    [Fact]
    public void The_next_server_goes_on_with_the_last_file()
    {
        using (var files = Files()) files.Append(Line);
        using (var files = Files()) files.Append(Line);
        Assert.Equal([200], Lengths());
    }

    [Fact]
    public void The_oldest_files_go_before_the_bound_is_reached()
    {
        using var files = Files(maxFileBytes: 200, maxTotalBytes: 600);
        for (var i = 0; i < 20; i++)
        {
            files.Append(Encoding.ASCII.GetBytes($"{i,99}\n"));
            Assert.InRange(Lengths().Sum(), 0, 600);
        }

        var kept = AuditFiles.List(Directory).SelectMany(File.ReadLines).Select(int.Parse);
        Assert.Equal(Enumerable.Range(14, 6), kept);
    }

    [Fact]
    public void Only_the_owner_may_read_them()
    {
        using var files = Files();
        files.Append(Line);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Assert.Single(AuditFiles.List(Directory))));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Directory));
    }

    [Fact]
    public void A_file_that_was_taken_away_is_begun_anew()
    {
        using var files = Files();
        files.Append(Line);
        File.Delete(Assert.Single(AuditFiles.List(Directory)));
        files.Append(Line);
        Assert.Equal([100], Lengths());
    }

    [Fact]
    public void Half_a_line_that_a_crashed_host_left_does_not_spoil_the_next_one()
    {
        using (var files = Files()) files.Append(Line);
        File.AppendAllText(Assert.Single(AuditFiles.List(Directory)), "half a li");
        using (var files = Files()) files.Append(Line);
        Assert.Equal([99, 9, 99], File.ReadLines(Assert.Single(AuditFiles.List(Directory))).Select(line => line.Length));
    }

    [Fact]
    public void A_full_disk_leaves_no_half_lines()
    {
        using var disk = new SmallDisk();
        Assert.SkipUnless(disk.IsMounted, "mounting a small file system needs root");
        using var files = new AuditFiles(disk.Path, new AuditOptions(), _time);
        var lines = Enumerable.Repeat(Line, 100).SelectMany(line => line).ToArray();
        files.Append(lines);
        disk.Fill();
        Assert.Throws<IOException>(() => Enumerable.Range(0, 1000).ToList().ForEach(_ => files.Append(lines)));
        disk.MakeRoom();
        files.Append(lines);
        Assert.All(AuditFiles.List(disk.Path).SelectMany(File.ReadLines), line => Assert.Equal(99, line.Length));
    }

    private AuditFiles Files(long maxFileBytes = 10_000, long maxTotalBytes = 100_000) =>
        new(Directory, new AuditOptions { MaxFileBytes = maxFileBytes, MaxTotalBytes = maxTotalBytes }, _time);

    private IEnumerable<long> Lengths() => AuditFiles.List(Directory).Select(path => new FileInfo(path).Length);
}
