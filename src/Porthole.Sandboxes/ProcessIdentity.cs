using System.Globalization;

namespace Porthole.Sandboxes;

/// <summary>A process for good: its number may be given to another one later, but not with the same start time in the same boot.</summary>
/// <param name="Pid">The process id.</param>
/// <param name="StartTime">Clock ticks from the boot to its start, field 22 of proc_pid_stat(5).</param>
internal sealed record ProcessIdentity(int Pid, ulong StartTime)
{
    // Counted from the field behind the name, which is the third: the name itself may hold blanks and brackets.
    private const int StartTimeIndex = 22 - 3;

    /// <summary>Who has this process id now; null for nobody.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcessIdentity(pid, ulong.Parse(fields[StartTimeIndex], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // No such process: ENOENT from open, ESRCH from read.
            return null;
        }
    }
}
