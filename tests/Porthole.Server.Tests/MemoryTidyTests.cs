namespace Porthole.Server.Tests;

// Looks at what the whole process allocates, so nothing else may run meanwhile.
[CollectionDefinition(nameof(MemoryTidyTests), DisableParallelization = true)]
[Collection(nameof(MemoryTidyTests))]
public sealed class MemoryTidyTests
{
    private readonly MemoryTidy _tidy = new();

    [Fact]
    public void Memory_is_tidied_after_a_burst_once_nobody_types()
    {
        Burst();
        Assert.False(_tidy.Look(typed: 1), "while memory is still being asked for");
        Assert.False(_tidy.Look(typed: 2), "while somebody types");
        Assert.True(_tidy.Look(typed: 2));
        Assert.False(_tidy.Look(typed: 2), "when nothing came since");
    }

    [Fact]
    public void Where_somebody_always_types_memory_is_tidied_within_a_minute()
    {
        Burst();
        Assert.False(_tidy.Look(typed: 1));
        Assert.InRange(Enumerable.Range(2, 100).TakeWhile(typed => !_tidy.Look(typed)).Count(), 50, 60);
    }

    private static void Burst()
    {
        for (var i = 0; i < 100; i++)
            GC.KeepAlive(new byte[1024 * 1024]);
    }
}
