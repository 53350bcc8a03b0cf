using Porthole.Client;

namespace Porthole.Cli;

/// <summary>A session that starts or stops refuses others for a moment (409); whoever can wait tries again.</summary>
internal static class ServerBusy
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    // A start takes a second or two, a stop at most the grace times of its shells.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<T> PatientlyAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (AgentCoreException e) when (e.Status == 409 && TimeProvider.System.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(Pause, cancellation);
            }
        }
    }
}
