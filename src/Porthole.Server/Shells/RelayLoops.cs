using Porthole.Posix;

namespace Porthole.Server.Shells;

/// <summary>
/// The relay's threads: a calm one for connections on which a person types, and hot ones for floods. A thread that is busy with a flood
/// loses the scheduler's favour and would make each keystroke wait for a whole time slice (docs/decisions/0003-calm-and-hot-loops.md).
/// </summary>
internal sealed class RelayLoops
{
    private readonly RelayLoop[] _hot;
    private int _next;

    public RelayLoops()
    {
        Calm = new RelayLoop("relay-calm");
        Calm.Events.Post(static () => TimeSlice.TrySet(0, TimeSlice.Shortest));
        _hot = new RelayLoop[Math.Clamp(Environment.ProcessorCount, 1, 8)];
        for (var i = 0; i < _hot.Length; i++)
            _hot[i] = new RelayLoop($"relay-hot-{i}");
    }

    /// <summary>Where every connection starts.</summary>
    public RelayLoop Calm { get; }

    /// <summary>Every loop.</summary>
    public IEnumerable<RelayLoop> All => [Calm, .. _hot];

    /// <summary>The next hot loop, in turn.</summary>
    public RelayLoop NextHot() => _hot[(uint)Interlocked.Increment(ref _next) % _hot.Length];
}
