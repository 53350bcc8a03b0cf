using System.Diagnostics;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Store;

public sealed class DataDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    private string NewPath => Path.Combine(_temporary.Path, "data");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_new_directory_is_its_owners_alone()
    {
        var directory = DataDirectory.Create(NewPath);
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(ownerOnly, File.GetUnixFileMode(directory.FullPath));
        Assert.Equal(ownerOnly, File.GetUnixFileMode(directory.SessionsPath));
    }

    [Fact]
    public void A_second_server_is_refused_with_the_pid_of_the_first()
    {
        var directory = DataDirectory.Create(NewPath);
        using var held = directory.Lock();
        var refusal = Assert.Throws<DataDirectoryInUseException>(() => DataDirectory.Create(NewPath).Lock());
        Assert.Equal(Environment.ProcessId, refusal.ProcessId);
        Assert.Contains($"pid {Environment.ProcessId}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("porthole stop", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_holder_is_found_while_there_is_one()
    {
        var directory = DataDirectory.Create(NewPath);
        Assert.Null(directory.FindServer());
        using (directory.Lock()) Assert.Equal(Environment.ProcessId, directory.FindServer());
        Assert.Null(directory.FindServer());
    }

    [Fact]
    public void A_pid_file_left_by_a_dead_server_means_nothing()
    {
        var directory = DataDirectory.Create(NewPath);
        File.WriteAllText(directory.PidPath, "1\n");
        Assert.Null(directory.FindServer());
        using var held = directory.Lock();
        Assert.Equal(Environment.ProcessId, directory.FindServer());
    }

    [Fact]
    public void A_child_of_the_server_does_not_keep_the_directory()
    {
        var directory = DataDirectory.Create(NewPath);
        var held = directory.Lock();
        using var child = Process.Start(new ProcessStartInfo("sleep", "60"))!;
        try
        {
            held.Dispose();
            Assert.Null(directory.FindServer());
            directory.Lock().Dispose();
        }
        finally
        {
            child.Kill();
            child.WaitForExit();
        }
    }

    [Fact]
    public void Another_process_holds_it_until_it_is_killed()
    {
        var directory = DataDirectory.Create(NewPath);
        File.WriteAllText(directory.PidPath, "");
        var start = new ProcessStartInfo("flock", ["-x", directory.PidPath, "sh", "-c", $"echo $$ > '{directory.PidPath}'; echo held; exec sleep 60"])
        {
            RedirectStandardOutput = true,
        };
        using var holder = Process.Start(start)!;
        try
        {
            Assert.Equal("held", holder.StandardOutput.ReadLine());
            Assert.NotNull(Assert.Throws<DataDirectoryInUseException>(directory.Lock).ProcessId);
        }
        finally
        {
            holder.Kill(entireProcessTree: true);
            holder.WaitForExit();
        }

        directory.Lock().Dispose();
    }

    [Fact]
    public void A_file_in_its_place_is_named()
    {
        File.WriteAllText(NewPath, "");
        var error = Assert.Throws<DataDirectoryException>(() => DataDirectory.Create(NewPath));
        Assert.Contains(NewPath, error.Message, StringComparison.Ordinal);
        Assert.Contains("--data-dir", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_no_server_used_is_not_taken_for_one() =>
        Assert.Contains("porthole serve", Assert.Throws<DataDirectoryException>(() => DataDirectory.Existing(_temporary.Path)).Message, StringComparison.Ordinal);
}
