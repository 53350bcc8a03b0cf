namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>Waits for what must happen, with an upper bound that a busy machine does not reach.</summary>
internal static class Patience
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    // For the few facts that nothing announces: a process that is gone, a file that another program writes.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    /// <summary>Cancelled when the time is up or the run is.</summary>
    public static CancellationTokenSource Deadline(TimeSpan? limit = null)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(limit ?? Limit);
        return source;
    }

    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task InTime(this Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    /// <summary>Looks until something holds.</summary>
    public static Task UntilAsync(string what, Func<bool> holds, TimeSpan? limit = null) =>
        UntilAsync(what, () => Task.FromResult(holds()), limit);

    /// <summary>Looks until something holds.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, TimeSpan? limit = null)
    {
        using var deadline = Deadline(limit);
        while (!await holds())
        {
            if (deadline.IsCancellationRequested)
                Assert.Fail($"waited in vain for: {what}");
            await Task.Delay(LookAgain, TestContext.Current.CancellationToken);
        }
    }
}
