using System.Diagnostics;
using Porthole.Sandboxes;

namespace Porthole.Server.Telemetry;

/// <summary>Measures and traces how sessions start. The phases are events of the span, which <see cref="SandboxDriver"/> notes.</summary>
internal static class SessionStarts
{
    public static async Task<Sandbox> MeasureAsync(string sessionId, Func<Task<Sandbox>> start)
    {
        using var span = Instruments.Activities.StartActivity("start session");
        span?.SetTag("session.id", sessionId);
        var began = Stopwatch.GetTimestamp();
        string? error = null;
        try
        {
            return await start();
        }
        catch (Exception e)
        {
            error = e.GetType().Name;
            span?.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
        finally
        {
            Instruments.SessionStart.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, new TagList { { "error.type", error } });
        }
    }
}
