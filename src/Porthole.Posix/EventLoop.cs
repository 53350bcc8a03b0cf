using System.Collections.Concurrent;
using System.Diagnostics;

namespace Porthole.Posix;

/// <summary>
/// One thread that waits in epoll(7) for many descriptors and runs their handlers one after the other,
/// level-triggered. State that is only touched from handlers needs no lock.
/// </summary>
/// <remarks>
/// <see cref="Post"/> is the only member for other threads; all others belong to handlers, that is to the loop's own thread
/// (or to the creator before <see cref="Start"/>). Handlers allocate nothing in the loop itself once it is warm.
/// </remarks>
public sealed unsafe class EventLoop : IDisposable
{
    // A round handles at most this many descriptors before posted work and timers get their turn.
    private const int EventsPerRound = 64;

    private readonly Descriptor _epoll;
    private readonly Descriptor _wake;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly PriorityQueue<LoopTimer, long> _timers = new();
    private readonly Thread _thread;
    private Registration[] _byDescriptor = new Registration[64];
    private uint _generation;
    private int _wakePending;
    private volatile bool _stopping;

    /// <summary>Makes a loop; it runs nothing until <see cref="Start"/>.</summary>
    /// <param name="name">Name of its thread, at most 15 characters show in ps(1).</param>
    /// <exception cref="PosixException">The process is out of descriptors.</exception>
    public EventLoop(string name)
    {
        _epoll = new Descriptor(Libc.EpollCreate1(Libc.EPOLL_CLOEXEC));
        if (_epoll.IsInvalid)
            throw PosixException.FromLast("epoll_create1");
        _wake = new Descriptor(Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK));
        if (_wake.IsInvalid)
            throw PosixException.FromLast("eventfd");
        Control(Libc.EPOLL_CTL_ADD, _wake.Number, PollEvents.Readable, 0);

        // 256 KB: handlers are shallow, and the default of 8 MB per thread counts against a sandbox's address space limit.
        _thread = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = name };
    }

    /// <summary>Whether the caller runs on this loop's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Runs the loop on the calling thread until <see cref="Stop"/>, instead of <see cref="Start"/>.</summary>
    public void RunOnCallingThread() => Run();

    /// <summary>Waits for the loop's thread to end after <see cref="Stop"/>; returns at once when called on it.</summary>
    public void Join()
    {
        if (!IsCurrent && _thread.ThreadState != System.Threading.ThreadState.Unstarted)
            _thread.Join();
    }

    /// <summary>Runs <paramref name="work"/> on the loop's thread, after what was posted before it. Any thread may call this.</summary>
    public void Post(Action work)
    {
        _posted.Enqueue(work);
        if (Interlocked.Exchange(ref _wakePending, 1) == 0)
            Wake();
    }

    /// <summary>Ends the loop after the current round; posted work that has not run by then is dropped. Any thread may call this.</summary>
    public void Stop()
    {
        _stopping = true;
        Wake();
    }

    /// <summary>Watches a descriptor. The caller keeps it open until <see cref="Remove"/>.</summary>
    /// <exception cref="PosixException">The descriptor is closed, watched already, or of a kind that epoll refuses.</exception>
    public void Add(int fd, PollEvents interest, IPollable handler)
    {
        if (fd >= _byDescriptor.Length)
            Array.Resize(ref _byDescriptor, Math.Max(fd + 1, _byDescriptor.Length * 2));
        var generation = ++_generation;
        Control(Libc.EPOLL_CTL_ADD, fd, interest, generation);
        _byDescriptor[fd] = new Registration(handler, interest, generation);
    }

    /// <summary>Changes what a watched descriptor is watched for; costs nothing when it is the same.</summary>
    public void Modify(int fd, PollEvents interest)
    {
        ref var registration = ref _byDescriptor[fd];
        if (registration.Interest == interest)
            return;
        Control(Libc.EPOLL_CTL_MOD, fd, interest, registration.Generation);
        registration.Interest = interest;
    }

    /// <summary>Stops watching. Call before closing the descriptor: its number may be given out again at once.</summary>
    public void Remove(int fd)
    {
        if (fd >= _byDescriptor.Length || _byDescriptor[fd].Handler is null)
            return;
        Control(Libc.EPOLL_CTL_DEL, fd, PollEvents.None, 0);
        _byDescriptor[fd] = default;
    }

    /// <summary>Runs <paramref name="work"/> once on the loop's thread, <paramref name="delay"/> from now (milliseconds resolution).</summary>
    public LoopTimer Schedule(TimeSpan delay, Action work)
    {
        var timer = new LoopTimer(work);
        _timers.Enqueue(timer, Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency));
        return timer;
    }

    /// <summary>Releases the loop's own descriptors. Stop it and <see cref="Join"/> first.</summary>
    public void Dispose()
    {
        _epoll.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        var events = stackalloc byte[EventsPerRound * EpollEvent.Bytes];
        while (!_stopping)
        {
            var count = Libc.EpollWait(_epoll.Number, events, EventsPerRound, MillisecondsToNextTimer());
            if (count < 0 && Errno.Last != Errno.EINTR)
                throw PosixException.FromLast("epoll_wait");
            for (var i = 0; i < count; i++)
                Dispatch(EpollEvent.Read(events + (i * EpollEvent.Bytes)));
            RunDueTimers();
        }
    }

    private void Dispatch((PollEvents Ready, ulong Data) entry)
    {
        var (fd, generation) = ((int)(uint)entry.Data, (uint)(entry.Data >> 32));
        if (fd == _wake.Number)
        {
            RunPosted();
            return;
        }

        // An earlier handler of this round may have removed this one, or another file may have got its number.
        var registration = _byDescriptor[fd];
        if (registration.Handler is not null && registration.Generation == generation)
            registration.Handler.OnReady(fd, entry.Ready);
    }

    private void RunPosted()
    {
        ulong count;
        _ = Libc.Read(_wake.Number, (byte*)&count, sizeof(ulong));

        // Cleared before draining: whoever posts from here on wakes us again.
        Interlocked.Exchange(ref _wakePending, 0);
        while (_posted.TryDequeue(out var work))
            work();
    }

    private void RunDueTimers()
    {
        while (_timers.TryPeek(out _, out var due) && due <= Stopwatch.GetTimestamp())
            _timers.Dequeue().Fire();
    }

    private int MillisecondsToNextTimer()
    {
        while (_timers.TryPeek(out var timer, out var due))
        {
            if (timer.IsCancelled)
            {
                _timers.Dequeue();
                continue;
            }

            // Rounded up, so that the wait never ends just before the timer is due.
            var ticks = Math.Max(0, due - Stopwatch.GetTimestamp());
            return (int)Math.Min(int.MaxValue, (ticks * 1000 + Stopwatch.Frequency - 1) / Stopwatch.Frequency);
        }

        return -1;
    }

    private void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(_wake.Number, (byte*)&one, sizeof(ulong));
    }

    private void Control(int operation, int fd, PollEvents interest, uint generation)
    {
        var request = stackalloc byte[EpollEvent.Bytes];
        EpollEvent.Write(request, interest, (uint)fd | ((ulong)generation << 32));
        if (Libc.EpollCtl(_epoll.Number, operation, fd, request) < 0)
            throw PosixException.FromLast($"epoll_ctl on descriptor {fd}");
    }

    private record struct Registration(IPollable Handler, PollEvents Interest, uint Generation);
}
