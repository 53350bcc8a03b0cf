using System.Security.Cryptography;
using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>Images from a registry and from files: whole or not at all.</summary>
public sealed class PullTests
{
    private static readonly string Password = "secret";

    // What htpasswd -B writes for "user" and "secret".
    private const string PasswordFile = "user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

    [Fact]
    public async Task An_image_is_pulled_from_a_registry_with_all_that_it_says_of_its_program()
    {
        await using var store = new TestStore();
        var image = TestImage.Busybox();
        image.Config["Entrypoint"] = new[] { "/bin/agent" };
        image.Config["Cmd"] = new[] { "--port", "8080" };
        image.Config["Env"] = new[] { "A=1", "B=two words" };
        image.Config["WorkingDir"] = "/home/agent";
        image.Config["User"] = "agent";
        var name = await (await store.RegistryAsync()).PushAsync(image, "team/agent:1");

        var stages = new List<ImageStage>();
        var prepared = await store.PrepareAsync(name, new Collected(progress => stages.Add(progress.Stage)));

        Assert.Equal(["/bin/agent", "--port", "8080"], prepared.Configuration.Program);
        Assert.Equal(["A=1", "B=two words"], prepared.Configuration.Environment);
        Assert.Equal(("/home/agent", "agent"), (prepared.Configuration.WorkingDirectory, prepared.Configuration.User));
        Assert.True(File.Exists(Path.Combine(prepared.RootDirectory!, "bin/busybox")));
        Assert.Equal(ImageStage.Resolving, stages[0]);
        Assert.Contains(ImageStage.Unpacking, stages);
        store.AssertNothingHalfDone();

        // The next server finds it without the registry.
        store.Reopen();
        var found = store.Store.Find(prepared.Digest)!;
        Assert.Equal((prepared.Digest, prepared.RootDirectory), (found.Digest, found.RootDirectory));
        Assert.Equal(prepared.Configuration.Program, found.Configuration.Program);
        Assert.Equal(name, Assert.Single(Assert.Single(store.Store.List()).References));
    }

    [Fact]
    public async Task Layouts_and_archives_are_read_and_are_the_same_image()
    {
        await using var store = new TestStore();
        var layout = store.Layout(TestImage.Busybox());
        var (oci, docker) = (Path.Combine(store.Root, "image.oci.tar"), Path.Combine(store.Root, "image.docker.tar"));
        await TestRegistry.RunAsync("skopeo", ["copy", "--insecure-policy", layout, $"oci-archive:{oci}"]);
        await TestRegistry.RunAsync("skopeo", ["copy", "--insecure-policy", layout, $"docker-archive:{docker}"]);

        var fromLayout = await store.PrepareAsync(layout);
        var fromArchive = await store.PrepareAsync($"oci-archive:{oci}");
        var fromDocker = await store.PrepareAsync($"docker-archive:{docker}");
        Assert.Equal(fromLayout.Digest, fromArchive.Digest);
        Assert.True(File.Exists(Path.Combine(fromDocker.RootDirectory!, "bin/busybox")));

        // The same image by two names is there once.
        var images = store.Store.List();
        Assert.Equal([layout, $"oci-archive:{oci}"], Assert.Single(images, image => image.Image.Digest == fromLayout.Digest).References);
    }

    [Fact]
    public async Task Two_at_once_do_the_work_once()
    {
        await using var store = new TestStore();
        var layout = store.Layout(TestImage.Busybox());
        var resolved = 0;
        var progress = new Collected(step => resolved += step.Stage == ImageStage.Unpacking ? 1 : 0);
        var both = await Task.WhenAll(Enumerable.Range(0, 5).Select(number => store.PrepareAsync(layout, number == 0 ? progress : null)));
        Assert.Single(both.Select(image => image.Digest).Distinct());
        Assert.Equal(1, resolved);
        Assert.Single(store.Store.List());
    }

    [Fact]
    public async Task A_layer_that_was_tampered_with_is_refused_and_leaves_nothing()
    {
        await using var store = new TestStore();
        var registry = await store.RegistryAsync();
        var name = await registry.PushAsync(TestImage.Busybox(), "agent:1");
        await DamageAsync(registry.Blob(LayerOf(store.Root)));

        var failure = await store.FailureAsync(name);
        Assert.Contains("not what the image's manifest says", failure);
        Assert.Empty(store.Store.List());
        store.AssertNothingHalfDone();
    }

    [Fact]
    public async Task A_layer_that_goes_bad_in_the_store_is_refused_and_fetched_again_by_the_next_pull()
    {
        await using var store = new TestStore();
        var name = await (await store.RegistryAsync()).PushAsync(TestImage.Busybox(), "agent:1");
        var prepared = await store.PrepareAsync(name);
        await store.Store.PruneAsync(new HashSet<string> { prepared.Digest }, TestContext.Current.CancellationToken);
        var blob = Path.Combine(store.Options.Directory, "blobs/sha256", LayerOf(store.Root));
        await DamageAsync(blob);
        DirectoryRemover.Remove(Path.GetDirectoryName(prepared.RootDirectory!)!);

        await store.FailureAsync(name);
        Assert.Empty(store.Store.List());
        store.AssertNothingHalfDone();
        Assert.Equal(prepared.Digest, (await store.PrepareAsync(name)).Digest);
    }

    [Fact]
    public async Task A_pull_that_is_cut_off_leaves_nothing_to_see_and_goes_on_from_there()
    {
        await using var store = new TestStore();
        var registry = await store.RegistryAsync();
        var big = RandomNumberGenerator.GetBytes(24 << 20);
        var name = await registry.PushAsync(TestImage.Busybox().Layer(tar => tar.File("big", big)), "agent:1");

        // The small layer is there; of the large one nobody knows.
        var large = registry.Blob(LayerOf(store.Root, largest: true));
        var hidden = large + ".hidden";
        File.Move(large, hidden);
        await store.FailureAsync(name);
        Assert.Empty(store.Store.List());
        store.AssertNothingHalfDone();
        var kept = store.BlobCount;
        Assert.NotEqual(0, kept);

        File.Move(hidden, large);
        var copied = new List<long>();
        var prepared = await store.PrepareAsync(name, new Collected(step =>
        {
            if (step.Stage == ImageStage.Copying)
                copied.Add(step.Bytes);
        }));
        Assert.Equal(big.Length, new FileInfo(Path.Combine(prepared.RootDirectory!, "big")).Length);
        Assert.All(copied, bytes => Assert.NotEqual(0, bytes));
    }

    [Fact]
    public async Task A_registry_that_dies_or_is_not_there_is_named_in_the_failure()
    {
        await using var store = new TestStore();
        var registry = await store.RegistryAsync();
        var name = await registry.PushAsync(TestImage.Busybox(), "agent:1");
        Assert.Contains("has no such image", await store.FailureAsync($"{registry.Host}/agent:2"));
        Assert.Contains("has no such image", await store.FailureAsync($"{registry.Host}/nobody:1"));
        await registry.StopAsync();
        Assert.Contains($"{registry.Host} cannot be reached", await store.FailureAsync(name));
        store.AssertNothingHalfDone();

        await registry.StartAsync();
        Assert.NotNull((await store.PrepareAsync(name)).RootDirectory);
    }

    [Fact]
    public async Task A_registry_that_says_nothing_is_not_waited_for()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        await using var store = new TestStore(options => options with { StallTimeout = TimeSpan.FromSeconds(1) });
        Assert.Contains("sent nothing for 1 s", await store.FailureAsync($"{silent.LocalEndpoint}/agent:1"));
        store.AssertNothingHalfDone();
    }

    [Fact]
    public async Task Whoever_waits_no_longer_ends_the_work_and_the_next_one_gets_the_image()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        await using var store = new TestStore();
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var pull = store.Store.PrepareAsync(ImageReference.Parse($"{silent.LocalEndpoint}/agent:1"), null, impatient.Token);
        using (await silent.AcceptSocketAsync(TestContext.Current.CancellationToken))
            await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pull.InTime());
        await Eventually.HoldsAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(store.Options.Directory, "work")).Any(), "the work is cleared away");
        Assert.NotNull((await store.PrepareAsync(store.Layout(TestImage.Busybox()))).RootDirectory);
    }

    [Fact]
    public async Task A_registry_with_a_password_is_asked_with_the_credentials_of_the_file()
    {
        await using var store = new TestStore();
        await File.WriteAllTextAsync(Path.Combine(store.Root, "htpasswd"), PasswordFile, TestContext.Current.CancellationToken);
        var registry = await store.RegistryAsync($"auth:\n  htpasswd:\n    realm: test\n    path: {store.Root}/htpasswd\n");
        var name = await registry.PushAsync(TestImage.Busybox(), "agent:1", "--dest-creds", $"user:{Password}");

        Assert.Contains($"porthole image login {registry.Host}", await store.FailureAsync(name));
        await TestRegistry.RunAsync("skopeo", ["login", "--authfile", store.Options.CredentialsPath!, "--tls-verify=false", "--username", "user", "--password", Password, registry.Host]);
        Assert.NotNull((await store.PrepareAsync(name)).RootDirectory);
    }

    [Fact]
    public async Task A_full_disk_is_said_and_nothing_stays()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        await using var small = await SmallDisk.CreateAsync(48 << 20);
        await using var store = new TestStore(options => options with { Directory = Path.Combine(small.Directory, "images"), MinimumFreeBytes = 0 });
        var big = RandomNumberGenerator.GetBytes(40 << 20);
        var name = await (await store.RegistryAsync()).PushAsync(TestImage.Busybox().Layer(tar => tar.File("big", big)), "agent:1");

        // The layer fits, and what is in it does not fit beside it.
        Assert.Contains("porthole image prune", await store.FailureAsync(name));
        Assert.Empty(store.Store.List());
        store.AssertNothingHalfDone();
        Assert.Equal(0, store.BlobCount);
        Assert.NotNull((await store.PrepareAsync(store.Layout(TestImage.Busybox()))).RootDirectory);
    }

    [Fact]
    public async Task An_image_that_the_disk_cannot_hold_is_not_begun()
    {
        await using var store = new TestStore(options => options with { MinimumFreeBytes = long.MaxValue / 2 });
        var name = await (await store.RegistryAsync()).PushAsync(TestImage.Busybox(), "agent:1");
        Assert.Contains("too full", await store.FailureAsync(name));
        Assert.Equal(0, store.BlobCount);
    }

    [Fact]
    public async Task Pruning_removes_what_nobody_needs_and_layers_with_it()
    {
        await using var store = new TestStore();
        var needed = await store.PrepareAsync(store.Layout(TestImage.Busybox(), "one"));
        var other = await store.PrepareAsync(store.Layout(TestImage.Busybox().Layer(tar => tar.File("more", "x"u8.ToArray())), "two"));
        var before = store.BlobCount;

        var removed = await store.Store.PruneAsync(new HashSet<string> { needed.Digest }, TestContext.Current.CancellationToken);
        Assert.Equal(other.Digest, Assert.Single(removed).Image.Digest);
        Assert.Null(store.Store.Find(other.Digest));
        Assert.False(Directory.Exists(other.RootDirectory));
        Assert.True(File.Exists(Path.Combine(needed.RootDirectory!, "bin/busybox")));
        Assert.InRange(store.BlobCount, 1, before - 1);

        await store.Store.PruneAsync(new HashSet<string>(), TestContext.Current.CancellationToken);
        Assert.Equal(0, store.BlobCount);
        store.AssertNothingHalfDone();
    }

    [Fact]
    public async Task Pruning_spares_what_was_asked_for_a_moment_ago()
    {
        await using var store = new TestStore(options => options with { PruneGrace = TimeSpan.FromMinutes(10) });
        await store.PrepareAsync(store.Layout(TestImage.Busybox()));
        Assert.Empty(await store.Store.PruneAsync(new HashSet<string>(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_image_for_another_processor_is_refused()
    {
        await using var store = new TestStore();
        var image = TestImage.Busybox();
        image.Architecture = "s390x";
        Assert.Contains("linux/s390x", await store.FailureAsync(store.Layout(image)));
        store.AssertNothingHalfDone();
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("sha256:../../etc")]
    [InlineData("")]
    public async Task A_digest_that_is_none_finds_nothing(string digest)
    {
        await using var store = new TestStore();
        Assert.Null(store.Store.Find(digest));
    }

    // The digest of a layer of the image that was pushed last, without "sha256:".
    private static string LayerOf(string root, bool largest = false)
    {
        var layout = Directory.EnumerateDirectories(Path.Combine(root, "registry"), "pushed-*").Single();
        var blobs = new DirectoryInfo(Path.Combine(layout, "blobs/sha256")).EnumerateFiles().OrderByDescending(file => file.Length).ToList();
        return (largest ? blobs[0] : blobs.First(file => IsGzip(file.FullName))).Name;
    }

    private static bool IsGzip(string file)
    {
        using var stream = File.OpenRead(file);
        return stream.ReadByte() == 0x1f && stream.ReadByte() == 0x8b;
    }

    private static async Task DamageAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = stream.Length / 2;
        await stream.WriteAsync("damaged"u8.ToArray(), TestContext.Current.CancellationToken);
    }

    private sealed class Collected(Action<ImageProgress> report) : IProgress<ImageProgress>
    {
        public void Report(ImageProgress value) => report(value);
    }
}
