using Porthole.Bench.Terminals;

namespace Porthole.Bench.Scenarios;

/// <summary>
/// Types letters into bash on a fixed schedule and times each until it is seen. When an echo is later than the next key's
/// time, that key goes out at once but counts from when it was due: a stall is charged to all keys that it delayed.
/// </summary>
internal sealed class Typist(Terminal terminal, int keys, long firstKey)
{
    /// <summary>Short of the 80 columns, so that no echo brings a line break with it.</summary>
    private const int LineLength = 40;

    private readonly double[] _samples = new double[keys];
    private readonly byte[] _key = new byte[1];
    private int _done;
    private int _onLine;
    private long _started;

    /// <summary>When the next key is to be pressed.</summary>
    public long Due { get; private set; } = firstKey;

    public bool Waiting { get; private set; }

    public bool Finished => _done == keys;

    /// <summary>Microseconds, one for each key.</summary>
    public double[] Samples => _samples;

    public Terminal Terminal => terminal;

    public void Press()
    {
        if (_onLine == LineLength)
        {
            EraseLine();
            return;
        }
        var letter = (byte)('a' + _onLine % 26);
        var now = Clock.Now;
        _started = now - Due > Settings.KeyInterval / 2 ? Due : now;
        _key[0] = letter;
        terminal.Write(_key);
        Waiting = true;
    }

    /// <summary>Reads what is there and notices the echo.</summary>
    public void Look()
    {
        // Nothing else that bash prints here has lower-case letters: the prompt and the escape sequences do not.
        if (!terminal.Read().Contains(_key[0]) || !Waiting)
            return;
        _samples[_done++] = Clock.Microseconds(Clock.Now - _started);
        Waiting = false;
        _onLine++;
        Due += Settings.KeyInterval;
    }

    /// <summary>Ctrl+U takes a key's time of its own and is not timed.</summary>
    private void EraseLine()
    {
        _key[0] = 'U' & 0x1F;
        terminal.Write(_key);
        _onLine = 0;
        Due = Math.Max(Due, Clock.Now) + Settings.KeyInterval;
    }
}
