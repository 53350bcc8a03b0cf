using Porthole.Sandboxes;

namespace Porthole.Server.Sessions;

// Written to the disk while nobody uses it, and read from there by whoever does.
internal sealed partial class Session
{
    // What users wait for: the start, or the next resumption.
    private Task _usable = Task.CompletedTask;

    // What the end waits for: a start, a suspension or a resumption under way.
    private Task _work = Task.CompletedTask;

    private TaskCompletionSource? _awake;
    private TaskCompletionSource _suspended = new();
    private bool _isWanted;
    private bool _isSettling;

    /// <summary>Makes its sandbox run again.</summary>
    public required Func<Session, Task<Sandbox>> Resume { get; init; }

    /// <summary>
    /// Waits until the session can be used. One that is suspended is resumed by this, one that is being suspended as soon as it is.
    /// </summary>
    /// <exception cref="SandboxException">It could not be started or resumed; another try to resume it may go better.</exception>
    public Task ReadyAsync()
    {
        lock (_lock)
        {
            if (_state == SessionState.Suspending)
                _isWanted = true;
            if (_state == SessionState.Suspended)
                BeginResume();
            return _usable;
        }
    }

    /// <summary>Takes over a session that an earlier server suspended.</summary>
    public void AdoptSuspended(string? accelerator)
    {
        lock (_lock)
        {
            (Isolation, Accelerator, _state) = (Sandboxes.Isolation.MicroVm, accelerator, SessionState.Suspended);
            AwaitResumption();
        }
    }

    /// <summary>Claims the suspension of this session; <see cref="SettleSuspension"/> and <see cref="EndSuspension"/> have to follow.</summary>
    /// <returns>False when it is not active, or answers a request at this moment.</returns>
    public bool TryBeginSuspension()
    {
        lock (_lock)
        {
            if (_state != SessionState.Active || _requests > 0)
                return false;
            (_state, _isWanted, _isSettling, _suspended) = (SessionState.Suspending, false, true, new TaskCompletionSource());
            _work = _suspended.Task;
            AwaitResumption();
            return true;
        }
    }

    /// <summary>From here on nobody gets a lane to the guest.</summary>
    public void SettleSuspension()
    {
        lock (_lock)
            _isSettling = false;
    }

    /// <summary>Ends what <see cref="TryBeginSuspension"/> began.</summary>
    /// <param name="succeeded">Whether the sandbox lies on the disk; otherwise it runs on, or has ended.</param>
    public void EndSuspension(bool succeeded)
    {
        lock (_lock)
        {
            if (succeeded)
                _sandbox = null;
            if (_state == SessionState.Suspending && succeeded)
            {
                _state = SessionState.Suspended;
                if (_isWanted)
                    BeginResume();
            }
            else if (_state == SessionState.Suspending)
            {
                // Idle from now on: who suspends idle sessions does not try again at once.
                (_state, _idleSince) = (SessionState.Active, _time.GetUtcNow());
                _awake!.TrySetResult();
            }

            _suspended.SetResult();
        }
    }

    private void AwaitResumption()
    {
        _awake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _usable = _awake.Task;
    }

    private void BeginResume()
    {
        _state = SessionState.Resuming;
        _work = ResumeAsync();
    }

    private async Task ResumeAsync()
    {
        // Out of the lock.
        await Task.Yield();
        try
        {
            var sandbox = await Resume(this);
            lock (_lock)
            {
                (_sandbox, _idleSince) = (sandbox, _time.GetUtcNow());
                if (_state == SessionState.Resuming)
                    _state = SessionState.Active;
            }

            Agent?.Begin();
            _awake!.TrySetResult();
        }
        catch (Exception failure)
        {
            // Those who wait now are told; the next one may have more luck.
            FailWaiting(failure);
            lock (_lock)
            {
                if (_state == SessionState.Resuming)
                    _state = SessionState.Suspended;
                AwaitResumption();
            }
        }
    }

    private void FailWaiting(Exception failure)
    {
        if (_awake?.TrySetException(failure) == true)
            _ = _awake.Task.Exception; // Seen: nobody has to wait for it.
    }
}
