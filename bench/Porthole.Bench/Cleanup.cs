namespace Porthole.Bench;

/// <summary>Leaves no process behind. All of ours are descendants, also those whose parent died: orphans are adopted.</summary>
internal static class Cleanup
{
    public static void EndEverything()
    {
        var deadline = Clock.Now + 10 * Clock.Second;
        while (true)
        {
            Child.Reap();
            var left = ProcessTable.Descendants();
            if (left.Count == 0)
                return;
            if (Clock.Now > deadline)
                throw new BenchException("processes do not end: " + string.Join(", ", left.Select(p => $"{p.Name} ({p.Pid})")));
            left.ForEach(process => _ = Native.Kill(process.Pid, Native.SIGKILL));
            Native.SleepUntil(Clock.Now + 20 * Clock.Millisecond);
        }
    }
}
