using System.Net.Sockets;
using Porthole.Guest.Tests;
using Porthole.Posix;
using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>A driver with the real guest, which runs in images of every kind, and a store of images.</summary>
internal sealed class ImageSession : IAsyncDisposable
{
    private ImageSession(TestDriver driver, TestStore images) => (Driver, Images) = (driver, images);

    public TestDriver Driver { get; }

    public TestStore Images { get; }

    public static async Task<ImageSession> CreateAsync(Func<SandboxOptions, SandboxOptions>? change = null) =>
        new(await TestDriver.CreateAsync(options => (change ?? (same => same))(options with { GuestPath = GuestBinary.Path })), new TestStore());

    /// <summary>Starts a sandbox of an image.</summary>
    public async Task<Sandbox> StartAsync(TestImage image, Func<SandboxSpec, SandboxSpec>? change = null)
    {
        var spec = Driver.NewSpec() with { Image = await PrepareAsync(image) };
        return await Driver.StartAsync(change?.Invoke(spec) ?? spec);
    }

    public Task<PreparedImage> PrepareAsync(TestImage image) => Images.PrepareAsync(Images.Layout(image, $"layout-{Guid.NewGuid():N}"));

    /// <summary>Runs a program by the guest; gives what it printed to both outputs, and its status.</summary>
    public static async Task<(string Output, int Status)> RunAsync(Sandbox sandbox, params string[] command)
    {
        using var descriptor = await sandbox.ConnectAsync(TestContext.Current.CancellationToken).AsTask().InTime();

        // The test's end of a lane waits, with a bound; a Socket knows nothing of what its descriptor was set to before.
        Assert.Equal(0, Libc.Fcntl(descriptor.Number, Libc.F_SETFL, 0));
        using var socket = new Socket(new SafeSocketHandle(descriptor.Number, ownsHandle: false));
        using var lane = new Lane(socket).Greet();
        var run = lane.Run(1, command);
        var exit = run.WaitForExit();
        return ((run.Text + run.ErrorText).Trim('\n'), exit.ShellCode);
    }

    /// <summary>Runs a command of the image's sh that must succeed.</summary>
    public static async Task<string> OutputAsync(Sandbox sandbox, string command)
    {
        var (output, status) = await RunAsync(sandbox, "/bin/sh", "-c", command);
        Assert.True(status == 0, $"{command} ended with {status}:\n{output}");
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        await Driver.DisposeAsync();
        await Images.DisposeAsync();
    }
}
