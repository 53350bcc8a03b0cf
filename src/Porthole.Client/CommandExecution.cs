using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Porthole.Protocol.Aws;

namespace Porthole.Client;

/// <summary>A command that runs in a session. Disposing it before the end hangs up, and the server then ends the command.</summary>
public sealed class CommandExecution : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly PipeReader _body;

    internal CommandExecution(HttpResponseMessage response, Stream body, string sessionId)
    {
        _response = response;
        _body = PipeReader.Create(body);
        SessionId = sessionId;
    }

    /// <summary>The session it runs in.</summary>
    public string SessionId { get; }

    /// <summary>Reads what the command does, as it does it. The last event is <see cref="CommandEvent.Exited"/>. To be read once.</summary>
    /// <param name="cancellation">Stops reading; the command runs on until <see cref="DisposeAsync"/>.</param>
    /// <exception cref="AgentCoreException">The server reports that it failed, or the connection broke before the end.</exception>
    public async IAsyncEnumerable<CommandEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (await ReadMessageAsync(cancellation).ConfigureAwait(false) is { } message)
        {
            if (Interpret(message) is not { } happened) continue;
            yield return happened;
            if (happened is CommandEvent.Exited) yield break;
        }

        throw new AgentCoreException("The connection ended before the command did; the server ends a command whose client is gone.");
    }

    /// <summary>Hangs up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _body.CompleteAsync().ConfigureAwait(false);
        _response.Dispose();
    }

    private async ValueTask<EventStreamMessage?> ReadMessageAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var read = await _body.ReadAsync(cancellation).ConfigureAwait(false);
                var buffer = read.Buffer;
                if (EventStreamReader.TryRead(ref buffer, out var message))
                {
                    _body.AdvanceTo(buffer.Start);
                    return message;
                }

                _body.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted) return null;
            }
        }
        catch (InvalidDataException e)
        {
            throw new AgentCoreException($"The server's answer cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new AgentCoreException($"The connection broke before the command ended ({e.Message}); the server ends a command whose client is gone.", e);
        }
    }

    private static CommandEvent? Interpret(EventStreamMessage message)
    {
        try
        {
            using var json = JsonDocument.Parse(message.Payload);
            var root = json.RootElement;
            if (message.MessageType == "exception") throw Failure(message.ExceptionType, root);
            if (root.TryGetProperty("contentDelta", out var delta)) return Output(delta);
            return root.TryGetProperty("contentStop", out var stop) ? Exit(stop) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new AgentCoreException($"The server sent an event that cannot be read: {e.Message}", e);
        }
    }

    private static CommandEvent? Output(JsonElement delta)
    {
        if (delta.TryGetProperty("stdout", out var stdout)) return new CommandEvent.Stdout(stdout.GetString() ?? "");
        return delta.TryGetProperty("stderr", out var stderr) ? new CommandEvent.Stderr(stderr.GetString() ?? "") : null;
    }

    private static CommandEvent.Exited Exit(JsonElement stop)
    {
        var timedOut = stop.TryGetProperty("status", out var status) && status.GetString() == "TIMED_OUT";
        return new CommandEvent.Exited(stop.GetProperty("exitCode").GetInt32(), timedOut);
    }

    // In a stream the name is the member of a union, with a small first letter.
    private static AgentCoreException Failure(string? type, JsonElement root)
    {
        var name = string.IsNullOrEmpty(type) ? null : char.ToUpperInvariant(type[0]) + type[1..];
        var message = root.TryGetProperty("message", out var text) ? text.GetString() : null;
        return new AgentCoreException(200, name, message ?? "The server failed while the command ran and did not say why.", null);
    }
}
