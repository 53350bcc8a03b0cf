using System.Diagnostics;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Shells;

// How long keystrokes take to come back, as far as the server sees it. Costs a comparison while nobody measures, and never an allocation.
internal sealed partial class ShellConnection
{
    // Longer input is pasted or sent by a program, and what comes back is no echo: the longest key, a function key with modifiers, is 8 bytes.
    private const int MaxKeyBytes = 8;

    // What comes later answers a command or is of something else: passwords have no echo.
    private static readonly long MaxEchoTime = Stopwatch.Frequency;

    private long _keyAt;

    private void NoteKey(int bytes) => _keyAt = bytes <= MaxKeyBytes && Instruments.Echo.Enabled && _loop == _loops.Calm ? _lastHeardAt : 0;

    private void MeasureEcho()
    {
        if (_keyAt == 0)
            return;
        var time = Stopwatch.GetTimestamp() - _keyAt;
        _keyAt = 0;
        if (time < MaxEchoTime)
            Instruments.Echo.Record((double)time / Stopwatch.Frequency);
    }
}
