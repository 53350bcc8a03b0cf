using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>Images from a registry: whole or not at all.</summary>
public sealed class PullTests
{
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

    private sealed class Collected(Action<ImageProgress> report) : IProgress<ImageProgress>
    {
        public void Report(ImageProgress value) => report(value);
    }
}
