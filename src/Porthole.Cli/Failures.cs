using Porthole.Cli.Terminal;
using Porthole.Client;
using Porthole.Posix;
using Porthole.Sandboxes;
using Porthole.Server;
using Porthole.Server.Store;

namespace Porthole.Cli;

/// <summary>Turns what can go wrong in the world into one line and an exit code. Anything else is a fault of ours and keeps its stack trace.</summary>
internal static class Failures
{
    public static async Task<int> ReportAsync(int exitCode, Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception e) when (AreExpected(e))
        {
            StandardStream.Write(StandardStream.Error, $"porthole: {Describe(e)}\n");
            return exitCode;
        }
    }

    /// <summary>Whether an exception says something about the world and not about this program.</summary>
    public static bool AreExpected(Exception e) =>
        e is AgentCoreException or CommandFailedException or DataDirectoryException or PosixException or ConfigurationException or SandboxException;

    /// <summary>The message, with what to look for in the server's log.</summary>
    public static string Describe(Exception e) =>
        e is AgentCoreException { RequestId: { } request } ? $"{e.Message} (request {request})" : e.Message;
}
