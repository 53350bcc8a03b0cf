using System.IO.Compression;
using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>Zips of code that run on the host's tools.</summary>
public sealed class CodePackageTests
{
    [Fact]
    public async Task Code_runs_on_the_hosts_python_with_what_it_brings_along()
    {
        await using var session = await ImageSession.CreateAsync();
        Zip(session.Images.Root, ("main.py", "import helper; print(helper.word)"), ("helper.py", "word = 'imported'"));
        var image = await PrepareAsync(session.Images, "PYTHON_3_11", "main.py");
        var sandbox = await session.Driver.StartAsync(session.Driver.NewSpec() with { Image = image });
        Assert.Equal("/var/task", image.Configuration.WorkingDirectory);
        var command = $"cd /var/task && {string.Join(' ', image.Configuration.Environment)} {string.Join(' ', image.Configuration.Program)}";
        Assert.Equal("imported", await ImageSession.OutputAsync(sandbox, command));
        var (_, status) = await ImageSession.RunAsync(sandbox, "/bin/sh", "-c", "echo x > /var/task/main.py");
        Assert.NotEqual(0, status);
    }

    [Fact]
    public async Task The_same_zip_is_unpacked_once_and_another_entry_point_is_another_image()
    {
        await using var store = new TestStore();
        Zip(store.Root, ("a.py", ""), ("b.py", ""));
        var first = await PrepareAsync(store, "PYTHON_3_12", "a.py");
        Assert.Equal(first.Digest, (await PrepareAsync(store, "PYTHON_3_12", "a.py")).Digest);
        Assert.NotEqual(first.Digest, (await PrepareAsync(store, "PYTHON_3_12", "b.py")).Digest);
        Assert.Equal(first.Configuration.Program, store.Store.Find(first.Digest)!.Configuration.Program);
    }

    [Fact]
    public async Task A_program_may_stand_before_the_file()
    {
        await using var store = new TestStore();
        Zip(store.Root, ("main.py", ""));
        var image = await PrepareAsync(store, "PYTHON_3_13", "opentelemetry-instrument", "main.py");
        Assert.Equal(["opentelemetry-instrument", "main.py"], [image.Configuration.Program[0], image.Configuration.Program[2]]);
    }

    [Theory]
    [InlineData("../outside.py")]
    [InlineData("/outside.py")]
    [InlineData("a/../../outside.py")]
    [InlineData("..\\outside.py")]
    public async Task An_entry_that_leads_out_is_refused(string name)
    {
        await using var store = new TestStore();
        Zip(store.Root, ("main.py", ""), (name, "x"));
        Assert.Contains("leads out", (await Assert.ThrowsAsync<ImageException>(() => PrepareAsync(store, "PYTHON_3_12", "main.py"))).Message);
        Assert.Empty(Directory.EnumerateFiles(store.Root, "outside*", SearchOption.AllDirectories));
        store.AssertNothingHalfDone();
    }

    [Fact]
    public async Task Nothing_is_written_through_a_link_of_the_zip()
    {
        await using var store = new TestStore();
        var trap = Directory.CreateDirectory(Path.Combine(store.Root, "trap")).FullName;
        using (var zip = ZipFile.Open(Path.Combine(store.Root, "code.zip"), ZipArchiveMode.Create))
        {
            Add(zip, "link", trap).ExternalAttributes = unchecked((int)0xA1FF0000);
            Add(zip, "link/written", "x");
            Add(zip, "main.py", "");
        }

        await Assert.ThrowsAsync<ImageException>(() => PrepareAsync(store, "PYTHON_3_12", "main.py"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(trap));
    }

    [Fact]
    public async Task Links_and_executable_files_are_kept()
    {
        await using var store = new TestStore();
        using (var zip = ZipFile.Open(Path.Combine(store.Root, "code.zip"), ZipArchiveMode.Create))
        {
            Add(zip, "node_modules/.bin/tool", "../tool/cli.js").ExternalAttributes = unchecked((int)0xA1FF0000);
            Add(zip, "node_modules/tool/cli.js", "#!/usr/bin/env node").ExternalAttributes = unchecked((int)0x81ED0000);
            Add(zip, "index.js", "");
        }

        var code = (await PrepareAsync(store, "NODE_22", "index.js")).CodeDirectory!;
        Assert.Equal("../tool/cli.js", new FileInfo(Path.Combine(code, "node_modules/.bin/tool")).LinkTarget);
        Assert.True(File.GetUnixFileMode(Path.Combine(code, "node_modules/tool/cli.js")).HasFlag(UnixFileMode.OtherExecute));
        Assert.False(File.GetUnixFileMode(Path.Combine(code, "index.js")).HasFlag(UnixFileMode.OtherExecute));
        Assert.True(File.GetUnixFileMode(Path.Combine(code, "node_modules")).HasFlag(UnixFileMode.OtherExecute));
    }

    [Fact]
    public async Task More_than_may_be_unpacked_is_refused_whatever_the_zip_says()
    {
        await using var store = new TestStore();
        using (var zip = ZipFile.Open(Path.Combine(store.Root, "code.zip"), ZipArchiveMode.Create))
        {
            Add(zip, "main.py", "");
            using var zeros = zip.CreateEntry("zeros", CompressionLevel.Fastest).Open();
            var megabyte = new byte[1 << 20];
            for (var written = 0; written <= 750; written++)
                zeros.Write(megabyte);
        }

        Assert.Contains("750 MB", (await Assert.ThrowsAsync<ImageException>(() => PrepareAsync(store, "PYTHON_3_12", "main.py"))).Message);
        store.AssertNothingHalfDone();
    }

    [Fact]
    public async Task What_is_wrong_is_said()
    {
        await using var store = new TestStore();
        Assert.Contains("does not exist", (await Assert.ThrowsAsync<ImageException>(() => PrepareAsync(store, "PYTHON_3_12", "main.py"))).Message);
        File.WriteAllText(Path.Combine(store.Root, "code.zip"), "no zip");
        Assert.Contains("no zip", (await Assert.ThrowsAsync<ImageException>(() => PrepareAsync(store, "PYTHON_3_12", "main.py"))).Message);
        File.Delete(Path.Combine(store.Root, "code.zip"));
        Zip(store.Root, ("other.py", ""));
        Assert.Contains("there is no main.py", (await Assert.ThrowsAsync<ImageException>(() => PrepareAsync(store, "PYTHON_3_12", "main.py"))).Message);
        Assert.Contains("PYTHON_3_10", Assert.Throws<ImageException>(() => CodePackage.Parse("/srv", "a.zip", "RUBY_3", ["a.rb"])).Message);
        Assert.Contains("bucket", Assert.Throws<ImageException>(() => CodePackage.Parse("bucket", "a.zip", "NODE_22", ["a.js"])).Message);
        Assert.Contains("prefix", Assert.Throws<ImageException>(() => CodePackage.Parse("/srv", "../etc/passwd", "NODE_22", ["a.js"])).Message);
        Assert.Contains("entryPoint", Assert.Throws<ImageException>(() => CodePackage.Parse("/srv", "a.zip", "NODE_22", [])).Message);
    }

    private static Task<PreparedImage> PrepareAsync(TestStore store, string runtime, params string[] entryPoint) =>
        store.Store.PrepareAsync(CodePackage.Parse(store.Root, "code.zip", runtime, entryPoint), null, TestContext.Current.CancellationToken).InTime();

    private static void Zip(string directory, params (string Name, string Text)[] entries)
    {
        using var zip = ZipFile.Open(Path.Combine(directory, "code.zip"), ZipArchiveMode.Create);
        foreach (var (name, text) in entries)
            Add(zip, name, text);
    }

    private static ZipArchiveEntry Add(ZipArchive zip, string name, string text)
    {
        var entry = zip.CreateEntry(name);
        using var writer = new StreamWriter(entry.Open());
        writer.Write(text);
        return entry;
    }
}
