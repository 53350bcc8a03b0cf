using Porthole.Sandboxes.Tests;

[assembly: AssemblyFixture(typeof(SharedSandbox))]

namespace Porthole.Sandboxes.Tests;

/// <summary>One sandbox for all tests that only look.</summary>
public sealed class SharedSandbox : IAsyncLifetime
{
    private static readonly Lazy<Task<(TestDriver Driver, Sandbox Sandbox)>> Shared = new(async () =>
    {
        var driver = await TestDriver.CreateAsync();
        return (driver, await driver.StartAsync());
    });

    internal static async Task<Sandbox> GetAsync() => (await Shared.Value).Sandbox;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (Shared.IsValueCreated)
            await (await Shared.Value).Driver.DisposeAsync();
    }
}
