using System.Formats.Tar;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>What layers may hold, and what they try.</summary>
public sealed class LayerTests
{
    [Fact]
    public async Task Upper_layers_replace_and_remove_what_lower_ones_have()
    {
        await using var store = new TestStore();
        var image = new TestImage()
            .Layer(tar =>
            {
                tar.Directory("kept/");
                tar.Directory("emptied/");
                tar.File("kept/file", "one"u8.ToArray());
                tar.File("kept/removed", "x"u8.ToArray());
                tar.File("emptied/old", "x"u8.ToArray());
                tar.File("replaced", "old"u8.ToArray());
            })
            .Layer(tar =>
            {
                tar.File("kept/.wh.removed", []);
                tar.File("emptied/.wh..wh..opq", []);
                tar.File("emptied/new", "y"u8.ToArray());
                tar.File("replaced", "new"u8.ToArray());
            });
        var root = (await store.PrepareAsync(store.Layout(image))).RootDirectory!;
        Assert.Equal(["emptied", "emptied/new", "kept", "kept/file", "replaced"], Tree(root));
        Assert.Equal("new", File.ReadAllText(Path.Combine(root, "replaced")));
    }

    [Fact]
    public async Task Hard_links_modes_and_extended_attributes_are_kept()
    {
        await using var store = new TestStore();
        var image = new TestImage().Layer(tar =>
        {
            tar.File("file", "content"u8.ToArray(), (UnixFileMode)0x9ED);
            tar.HardLink("link", "file");
            tar.Add(new PaxTarEntry(TarEntryType.RegularFile, "attributed", new Dictionary<string, string> { ["SCHILY.xattr.user.porthole"] = "value" }) { DataStream = new MemoryStream("x"u8.ToArray()) }, 0, TestImage.Plain);
        });
        var root = (await store.PrepareAsync(store.Layout(image))).RootDirectory!;
        File.AppendAllText(Path.Combine(root, "file"), "!");
        Assert.Equal("content!", File.ReadAllText(Path.Combine(root, "link")));
        if (Environment.IsPrivilegedProcess)
            Assert.True(File.GetUnixFileMode(Path.Combine(root, "link")).HasFlag(UnixFileMode.SetUser));
        Assert.Equal("value", await OutputAsync("getfattr", "--absolute-names", "--only-values", "-n", "user.porthole", Path.Combine(root, "attributed")));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/../../outside")]
    [InlineData("a/../../outside")]
    public async Task Nothing_is_written_outside_of_the_image(string name)
    {
        await using var store = new TestStore();
        var reference = store.Layout(new TestImage().Layer(tar => tar.File(name, "x"u8.ToArray())));
        await PrepareOrRefuseAsync(store, reference);
        Assert.All(Directory.EnumerateFiles(store.Root, "outside*", SearchOption.AllDirectories), file => Assert.Contains($"/{Porthole.Sandboxes.Images.ImageRecord.RootName}/", file));
    }

    [Fact]
    public async Task Nothing_is_written_through_links_of_the_image()
    {
        await using var store = new TestStore();
        var trap = Directory.CreateDirectory(Path.Combine(store.Root, "trap")).FullName;
        File.WriteAllText(Path.Combine(trap, "victim"), "untouched");
        var image = new TestImage()
            .Layer(tar =>
            {
                tar.Link("absolute", trap);
                tar.Link("relative", "../../../trap");
                tar.Link("file", Path.Combine(trap, "victim"));
            })
            .Layer(tar =>
            {
                tar.File("absolute/written", "x"u8.ToArray());
                tar.File("relative/written", "x"u8.ToArray());
                tar.File("file", "overwritten"u8.ToArray());
                tar.HardLink("hard", "absolute/victim");
                tar.File("relative/.wh.victim", []);
            });
        await PrepareOrRefuseAsync(store, store.Layout(image));
        Assert.Equal(["victim"], Tree(trap));
        Assert.Equal("untouched", File.ReadAllText(Path.Combine(trap, "victim")));
    }

    [Fact]
    public async Task Devices_are_made_by_root_alone_and_reach_nobody()
    {
        await using var store = new TestStore();
        var root = (await store.PrepareAsync(store.Layout(new TestImage().Layer(tar => tar.Device("device", 1, 3))))).RootDirectory!;
        Assert.True(File.Exists(Path.Combine(root, "device")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(store.Options.Directory));
    }

    // Container tools either keep such entries inside the root or refuse the image: both are right, and nothing else is.
    private static async Task PrepareOrRefuseAsync(TestStore store, string reference)
    {
        try
        {
            await store.PrepareAsync(reference);
        }
        catch (Porthole.Sandboxes.Images.ImageException)
        {
            store.AssertNothingHalfDone();
        }
    }

    private static IEnumerable<string> Tree(string root) =>
        Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(root, path)).Order(StringComparer.Ordinal);

    private static async Task<string> OutputAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).InTime();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).InTime();
        return output;
    }
}
