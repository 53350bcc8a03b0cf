using Porthole.Cli.Commands;
using Porthole.Cli.Terminal;
using Porthole.Client;
using Spectre.Console;

namespace Porthole.Cli;

/// <summary>Waiting until a runtime or an endpoint is what it was asked to become, with a sign of life on a terminal.</summary>
internal static class Settling
{
    // What is done in milliseconds is seen at once; what takes minutes is not asked for hundreds of times, each a line of the audit trail.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50), LongestPause = TimeSpan.FromSeconds(3);

    /// <summary>Waits until a runtime is ready, and shows how far its image is.</summary>
    /// <exception cref="CommandFailedException">It has failed; the message is the reason.</exception>
    public static async Task<AgentRuntimeDescription> OfRuntimeAsync(AgentCoreClient client, string runtimeId, CancellationToken cancellation)
    {
        try
        {
            await ImagePullDisplay.ShowAsync(client.WatchRuntimeAsync(runtimeId, cancellation));
        }
        catch (AgentCoreException e) when (e.Status is 403 or 404)
        {
            // A server that is none of Porthole's, or not this one's version.
        }

        var runtime = await ShowAsync($"Making {runtimeId} ready", () => UntilAsync(
            () => client.GetRuntimeAsync(runtimeId, cancellation: cancellation), static runtime => runtime.IsOnTheWay, cancellation));
        return runtime.Status == "READY" ? runtime : throw Failed(runtimeId, runtime.Status, runtime.FailureReason);
    }

    /// <summary>Waits until an endpoint is ready.</summary>
    /// <exception cref="CommandFailedException">It has failed; the message is the reason.</exception>
    public static async Task<AgentRuntimeEndpoint> OfEndpointAsync(AgentCoreClient client, string runtimeId, string name, CancellationToken cancellation)
    {
        var endpoint = await ShowAsync($"Making {name} ready", () => UntilAsync(
            () => client.GetEndpointAsync(runtimeId, name, cancellation), static endpoint => endpoint.IsOnTheWay, cancellation));
        return endpoint.Status == "READY" ? endpoint : throw Failed(name, endpoint.Status, endpoint.FailureReason);
    }

    /// <summary>Waits until something is gone.</summary>
    public static Task GoneAsync(string what, Func<Task> ask, CancellationToken cancellation) => ShowAsync($"Deleting {what}", () => UntilAsync(
        async () =>
        {
            try
            {
                await ask();
                return false;
            }
            catch (AgentCoreException e) when (e.Status == 404)
            {
                return true;
            }
        },
        static isGone => !isGone, cancellation));

    private static async Task<T> UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> isOnTheWay, CancellationToken cancellation)
    {
        for (var pause = FirstPause; ; pause = pause < LongestPause ? pause * 1.5 : LongestPause)
        {
            var state = await ask();
            if (!isOnTheWay(state)) return state;
            await Task.Delay(pause, cancellation);
        }
    }

    private static Task<T> ShowAsync<T>(string what, Func<Task<T>> wait) =>
        StandardStream.IsTerminal(StandardStream.Error)
            ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).Status().StartAsync(Markup.Escape(what), _ => wait())
            : wait();

    private static CommandFailedException Failed(string what, string status, string? reason) => new($"{what} is {status}: {reason ?? "the server gives no reason"}");
}
