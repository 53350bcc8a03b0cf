namespace Porthole.Cli;

/// <summary>Exit codes. Those of remote programs are passed on, so what this program itself has to say uses what ssh and timeout use.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Any failure of a command that runs nothing remote.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>As timeout(1): the time was up.</summary>
    public const int TimedOut = 124;

    /// <summary>As ssh(1): the remote program could not be asked, or its fate is not known.</summary>
    public const int NotReached = 255;

    /// <summary>As shells report it: ended by a signal.</summary>
    public static int BySignal(int signal) => 128 + signal;
}
