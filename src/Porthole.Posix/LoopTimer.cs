namespace Porthole.Posix;

/// <summary>Work that an <see cref="EventLoop"/> will run once. Only for the loop's own thread.</summary>
public sealed class LoopTimer
{
    private Action? _work;

    internal LoopTimer(Action work) => _work = work;

    /// <summary>Whether the work has run or was cancelled.</summary>
    public bool IsCancelled => _work is null;

    /// <summary>Drops the work; harmless when it has run.</summary>
    public void Cancel() => _work = null;

    internal void Fire()
    {
        var work = _work;
        _work = null;
        work?.Invoke();
    }
}
