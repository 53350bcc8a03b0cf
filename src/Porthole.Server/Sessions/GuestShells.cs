using Porthole.Protocol.Link;

namespace Porthole.Server.Sessions;

/// <summary>Questions about a guest's shells that need no terminal.</summary>
internal static class GuestShells
{
    // A guest that is alive answers in milliseconds, a stopped machine never.
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(5);

    /// <summary>The names of the shells that live in the session.</summary>
    /// <exception cref="IOException">The guest has ended.</exception>
    /// <exception cref="TimeoutException">The guest does not answer.</exception>
    public static async Task<IReadOnlyList<string>> ListAsync(Session session, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(AnswerDeadline);
        try
        {
            await using var lane = await GuestLane.OpenAsync(session, deadline.Token);
            await lane.SendAsync(LinkSmallFrames.WriteEmpty(new LinkWriter(), LinkFrameType.ListShells, 0).ToArray(), deadline.Token);
            while (true)
            {
                var (frame, payload) = await lane.ReceiveAsync(deadline.Token);
                if (frame.Type == LinkFrameType.ShellList)
                    return [.. ShellSummary.ReadList(payload.Span).Select(shell => shell.ShellId)];
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"the session's guest did not answer within {AnswerDeadline.TotalSeconds:0} s");
        }
    }

    /// <summary>Ends a shell that nobody is attached to.</summary>
    /// <exception cref="IOException">The guest has ended.</exception>
    public static async Task HangUpAsync(Session session, string shellId, CancellationToken cancellationToken)
    {
        const uint stream = 1;
        await using var lane = await GuestLane.OpenAsync(session, cancellationToken);
        var writer = new LinkWriter();

        // No credit and from the end: nothing of its output is wanted.
        var attach = new AttachShell(shellId, long.MaxValue, new TerminalSize(80, 24), 0, 0, null);
        await lane.SendAsync(attach.Write(writer, stream).ToArray(), cancellationToken);
        await lane.SendAsync(LinkSmallFrames.WriteEmpty(writer, LinkFrameType.Hangup, stream).ToArray(), cancellationToken);
        while (true)
        {
            var (frame, _) = await lane.ReceiveAsync(cancellationToken);
            if (frame is { Stream: stream, Type: LinkFrameType.Exited or LinkFrameType.Failed or LinkFrameType.Closed or LinkFrameType.ShellAttached })
                return;
        }
    }
}
