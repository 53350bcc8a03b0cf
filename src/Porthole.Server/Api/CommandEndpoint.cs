using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Server.Audit;
using Porthole.Server.Sessions;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Api;

/// <summary>POST /runtimes/{rt}/commands: one command, its output as an event stream (contract section 8).</summary>
internal sealed class CommandEndpoint(ServerOptions options, SessionManager sessions, ILogger<CommandEndpoint> log)
{
    // Contract section 6: a command's size, its time, its output in all and in one event.
    private const int MaxCommandBytes = 64 * 1024, DefaultTimeoutSeconds = 300, MaxTimeoutSeconds = 3600;
    private const long MaxOutputBytes = 100_000_000;
    private const uint CreditBytes = 256 * 1024;
    private const uint Stream = 1;
    private const byte Terminate = 15, Kill = 9;

    // Between SIGTERM and SIGKILL when a client leaves or the time is up.
    private static readonly TimeSpan KillGrace = TimeSpan.FromSeconds(5);

    public async Task HandleAsync(HttpContext context, DataPlaneRequest request)
    {
        var (command, timeout) = Parse(request.Body);
        var sessionId = request.SessionIdOf(context) ?? SessionId.NewId();
        var call = Describe(ApiCall.Of(context), sessionId, command, timeout);
        var session = sessions.GetOrStart(request.KeyOf(sessionId), request.Deployment, request.Principal);
        using var activity = session.BeginActivity(isRequest: true);
        await using var lane = await StartAsync(session, command, call.Trace, context.RequestAborted);

        context.Response.Headers[SessionId.HeaderName] = sessionId;
        context.Response.ContentType = EventStream.ContentType;
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
        var run = new CommandRun(lane, context.Response.BodyWriter, call);
        try
        {
            await run.WriteAsync("""{"contentStart":{}}"""u8.ToArray(), context.RequestAborted);
            await run.RelayAsync(TimeSpan.FromSeconds(timeout), context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Closing the lane ends the command: the guest sends SIGTERM, then SIGKILL.
            CommandLog.ClientLeft(log, request.Id);
            call.ClientLeft();
        }
    }

    private ApiCall Describe(ApiCall call, string sessionId, string command, int timeout)
    {
        call.SessionId = sessionId;
        call.RequestParameters["timeout"] = timeout;
        if (options.Audit.CommandText)
            call.RequestParameters[AuditLine.CommandText] = command;
        return call;
    }

    private static (string Command, int TimeoutSeconds) Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new AwsException(AwsError.CannotParse("The body is not a JSON object."));
            if (!json.RootElement.TryGetProperty("command", out var command) || command.ValueKind != JsonValueKind.String)
                throw new AwsException(AwsError.InvalidField("command", "command is required and must be a string."));
            var text = command.GetString()!;
            if (text.Length == 0 || Encoding.UTF8.GetByteCount(text) > MaxCommandBytes)
                throw new AwsException(AwsError.InvalidField("command", $"command must be 1 to {MaxCommandBytes} bytes long."));
            if (text.Contains('\0', StringComparison.Ordinal))
                throw new AwsException(AwsError.InvalidField("command", "command must not contain a NUL character."));
            return (text, TimeoutOf(json.RootElement));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new AwsException(AwsError.CannotParse("The body is not valid JSON."));
        }
    }

    private static int TimeoutOf(JsonElement root)
    {
        if (!root.TryGetProperty("timeout", out var timeout) || timeout.ValueKind == JsonValueKind.Null)
            return DefaultTimeoutSeconds;
        return timeout.ValueKind == JsonValueKind.Number && timeout.TryGetInt32(out var seconds) && seconds is >= 1 and <= MaxTimeoutSeconds
            ? seconds
            : throw new AwsException(AwsError.InvalidField("timeout", $"timeout must be 1 to {MaxTimeoutSeconds} seconds."));
    }

    private static async Task<GuestLane> StartAsync(Session session, string command, TraceContext trace, CancellationToken cancellationToken)
    {
        try
        {
            await session.ReadyAsync().WaitAsync(cancellationToken);
            await session.WaitForNetworkAsync(cancellationToken);
            var lane = await GuestLane.OpenAsync(session, cancellationToken);
            try
            {
                var start = new StartCommand(CreditBytes, ShellProgram.ForCommand(session, command, trace)).Write(new LinkWriter(), Stream).ToArray();
                await lane.SendAsync(start, cancellationToken);
            }
            catch (ArgumentException)
            {
                await lane.DisposeAsync();
                throw new AwsException(AwsError.InvalidField("command", "command and environment together are too long."));
            }

            return lane;
        }
        catch (Exception e) when (e is IOException or Sandboxes.SandboxException or LinkProtocolException)
        {
            throw new AwsException(AwsError.RuntimeFailed("The session could not start: " + e.Message));
        }
    }

    /// <summary>One command under way.</summary>
    private sealed class CommandRun(GuestLane lane, System.IO.Pipelines.PipeWriter response, ApiCall call)
    {
        // The stream is not HTML: escaping every letter beyond ASCII would only make it longer.
        private static readonly JsonWriterOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

        private readonly LinkWriter _link = new();
        private readonly Decoder _stdout = Encoding.UTF8.GetDecoder();
        private readonly Decoder _stderr = Encoding.UTF8.GetDecoder();
        private long _output;
        private bool _timedOut;

        public async Task RelayAsync(TimeSpan timeout, CancellationToken aborted)
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(aborted);
            deadline.CancelAfter(timeout);
            try
            {
                await RelayFramesAsync(deadline.Token, aborted);
            }
            catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
            {
                _timedOut = true;
                await EndAsync(aborted);
            }
            catch (Exception e) when (e is IOException or LinkProtocolException)
            {
                await WriteErrorAsync(AwsError.RuntimeFailed("The session has ended: " + e.Message), aborted);
            }
        }

        public async Task WriteAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            EventStream.WriteChunk(response, payload.Span);
            await response.FlushAsync(cancellationToken);
        }

        private async Task RelayFramesAsync(CancellationToken cancellationToken, CancellationToken aborted)
        {
            while (true)
            {
                var (frame, payload) = await lane.ReceiveAsync(cancellationToken);
                if (frame.Stream != Stream)
                    continue;
                switch (frame.Type)
                {
                    case LinkFrameType.Output or LinkFrameType.ErrorOutput:
                        if (!await OnOutputAsync(frame.Type, payload, aborted))
                            return;
                        break;
                    case LinkFrameType.Exited:
                        await StopAsync(ProcessExit.Read(payload.Span).ShellCode, aborted);
                        return;
                    case LinkFrameType.Failed:
                        await WriteErrorAsync(AwsError.RuntimeFailed(LinkFailure.Read(payload.Span).Message), aborted);
                        return;
                }
            }
        }

        // False when the command has said too much; leaving the lane ends it.
        private async Task<bool> OnOutputAsync(LinkFrameType type, ReadOnlyMemory<byte> payload, CancellationToken aborted)
        {
            _output += payload.Length;
            if (_output > MaxOutputBytes)
            {
                await WriteErrorAsync(AwsError.RuntimeFailed($"The command printed more than {MaxOutputBytes} bytes and was ended."), aborted);
                return false;
            }

            await WriteDeltaAsync(type == LinkFrameType.Output, payload, false, aborted);
            await lane.SendAsync(LinkSmallFrames.WriteCredit(_link, Stream, (uint)payload.Length).ToArray(), aborted);
            return true;
        }

        // Text is cut where the guest's frames end, but never inside a character: the decoder keeps what is incomplete.
        private async Task WriteDeltaAsync(bool isStdout, ReadOnlyMemory<byte> bytes, bool last, CancellationToken aborted)
        {
            var decoder = isStdout ? _stdout : _stderr;
            var characters = ArrayPool<char>.Shared.Rent(bytes.Length + 4);
            try
            {
                var count = decoder.GetChars(bytes.Span, characters, last);
                if (count == 0)
                    return;
                var json = new ArrayBufferWriter<byte>(count + 64);
                WriteDelta(json, isStdout, characters.AsSpan(0, count));
                await WriteAsync(json.WrittenMemory, aborted);
            }
            finally
            {
                ArrayPool<char>.Shared.Return(characters);
            }
        }

        private static void WriteDelta(IBufferWriter<byte> output, bool isStdout, ReadOnlySpan<char> text)
        {
            using var json = new Utf8JsonWriter(output, Relaxed);
            json.WriteStartObject();
            json.WriteStartObject("contentDelta"u8);
            json.WriteString(isStdout ? "stdout"u8 : "stderr"u8, text);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        private async Task StopAsync(int exitCode, CancellationToken aborted)
        {
            await WriteDeltaAsync(true, default, true, aborted);
            await WriteDeltaAsync(false, default, true, aborted);
            var (code, status) = _timedOut ? (-1, "TIMED_OUT") : (exitCode, "COMPLETED");
            call.ResponseElements["exitCode"] = code;
            call.ResponseElements["status"] = status;
            await WriteAsync(Encoding.UTF8.GetBytes($$$"""{"contentStop":{"exitCode":{{{code}}},"status":"{{{status}}}"}}"""), aborted);
        }

        // The time is up: end the process group, pass on what it still says, then report.
        private async Task EndAsync(CancellationToken aborted)
        {
            await lane.SendAsync(LinkSmallFrames.WriteSignal(_link, Stream, Terminate).ToArray(), aborted);
            using var grace = CancellationTokenSource.CreateLinkedTokenSource(aborted);
            grace.CancelAfter(KillGrace);
            try
            {
                await RelayFramesAsync(grace.Token, aborted);
            }
            catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
            {
                await lane.SendAsync(LinkSmallFrames.WriteSignal(_link, Stream, Kill).ToArray(), aborted);
                await RelayFramesAsync(aborted, aborted);
            }
        }

        private async Task WriteErrorAsync(AwsError error, CancellationToken aborted)
        {
            call.Fail(error);
            EventStream.WriteException(response, error);
            await response.FlushAsync(aborted);
        }
    }
}
