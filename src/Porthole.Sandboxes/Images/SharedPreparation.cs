namespace Porthole.Sandboxes.Images;

/// <summary>One preparation that several callers wait for. It is given up when the last of them does not want to wait any more.</summary>
#pragma warning disable CA1001 // A source without a timer holds nothing to dispose of, and the last waiter may be later than the work.
internal sealed class SharedPreparation
#pragma warning restore CA1001
{
    private readonly Lock _lock = new();
    private readonly List<IProgress<ImageProgress>> _listeners = [];
    private readonly CancellationTokenSource _abandoned = new();
    private int _waiting;
    private bool _isOver;

    /// <summary>The work; set once, before anybody joins.</summary>
    public Task<PreparedImage> Result { get; private set; } = null!;

    /// <summary>Begins the work.</summary>
    public void Start(Func<Action<ImageProgress>, CancellationToken, Task<PreparedImage>> prepare) => Result = Task.Run(() => prepare(Report, _abandoned.Token));

    /// <summary>Waits for it together with the others.</summary>
    /// <returns>Null when it was given up before; the caller begins another one.</returns>
    /// <exception cref="ImageException">It failed, for all that waited.</exception>
    /// <exception cref="OperationCanceledException">This caller did not want to wait any more.</exception>
    public async Task<PreparedImage?> JoinAsync(IProgress<ImageProgress>? progress, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_isOver)
                return null;
            _waiting++;
            if (progress is not null)
                _listeners.Add(progress);
        }

        try
        {
            return await Result.WaitAsync(cancel);
        }
        finally
        {
            Leave(progress);
        }
    }

    private void Leave(IProgress<ImageProgress>? progress)
    {
        lock (_lock)
        {
            if (progress is not null)
                _listeners.Remove(progress);
            if (--_waiting > 0)
                return;
            _isOver = true;
        }

        _abandoned.Cancel();
    }

    private void Report(ImageProgress progress)
    {
        IProgress<ImageProgress>[] listeners;
        lock (_lock)
            listeners = [.. _listeners];
        foreach (var listener in listeners)
            listener.Report(progress);
    }
}
