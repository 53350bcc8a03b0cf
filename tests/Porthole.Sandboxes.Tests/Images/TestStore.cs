using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>A store in a directory of its own, and a place beside it for what a test makes.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    private TestRegistry? _registry;

    public TestStore(Func<ImageStoreOptions, ImageStoreOptions>? change = null)
    {
        var options = new ImageStoreOptions { Directory = Path.Combine(Root, "images"), CredentialsPath = Path.Combine(Root, "auth.json"), PruneGrace = TimeSpan.Zero };
        (Options, Store) = (change?.Invoke(options) ?? options, null!);
        Reopen();
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("porthole-images-").FullName;

    public ImageStoreOptions Options { get; }

    public ImageStore Store { get; private set; }

    public async Task<TestRegistry> RegistryAsync(string settings = "") => _registry ??= await TestRegistry.StartAsync(Path.Combine(Root, "registry"), settings);

    /// <summary>As the next server does.</summary>
    public void Reopen()
    {
        Store?.Dispose();
        Store = ImageStore.Open(Options);
    }

    /// <summary>An image as a layout on the disk; gives its reference.</summary>
    public string Layout(TestImage image, string name = "layout")
    {
        image.Write(Path.Combine(Root, name));
        return $"oci:{Path.Combine(Root, name)}:test";
    }

    public Task<PreparedImage> PrepareAsync(string reference, IProgress<ImageProgress>? progress = null) =>
        Store.PrepareAsync(ImageReference.Parse(reference), progress, TestContext.Current.CancellationToken).InTime();

    public async Task<string> FailureAsync(string reference) => (await Assert.ThrowsAnyAsync<ImageException>(() => PrepareAsync(reference))).Message;

    /// <summary>Files of layers that are kept, whole and partial.</summary>
    public int BlobCount => Directory.Exists(Path.Combine(Options.Directory, "blobs")) ? Directory.EnumerateFiles(Path.Combine(Options.Directory, "blobs"), "*", SearchOption.AllDirectories).Count() : 0;

    public void AssertNothingHalfDone() => Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(Options.Directory, "work")));

    public async ValueTask DisposeAsync()
    {
        Store.Dispose();
        if (_registry is not null)
            await _registry.DisposeAsync();
        DirectoryRemover.Remove(Root);
    }
}
