using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;
using Porthole.Server.Shells;
using Porthole.Server.Store;

namespace Porthole.Server.Audit;

/// <summary>
/// Writes an event as one line of JSON with the names of CloudTrail's record contents
/// (docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html), so that what reads those reads these.
/// </summary>
internal sealed class AuditLine(ServerOptions options)
{
    private const string Version = "1.11", EventSource = "bedrock-agentcore.amazonaws.com";

    // A line must stay short whatever a client sends: a stranger's must not push out everybody else's. 1,024 is CloudTrail's bound for messages.
    private const int MaxMessageLength = 1024, MaxUserAgentLength = 1024, MaxValueLength = 1024;

    /// <summary>The member with a command's text, which is there only when a setting asks for it, and then whole.</summary>
    public const string CommandText = "command";

    // For programs and people, never shown as HTML.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A call that was answered.</summary>
    public ReadOnlyMemory<byte> Call(ApiCall call) => Line(json =>
    {
        WriteHead(json, call, call.Time, call.Operation!, "AwsApiCall");
        json.WriteString("userAgent"u8, Cut(call.UserAgent, MaxUserAgentLength));
        if (call.Error is { } error)
            WriteError(json, error);
        WriteRequestParameters(json, call);
        WriteObject(json, "responseElements", call.ResponseElements);
        json.WriteStartObject("additionalEventData"u8);
        json.WriteNumber("httpStatus"u8, call.Status);
        json.WriteNumber("durationMs"u8, Milliseconds(call.Duration));
        if (call.Trace.Parent is { } parent)
            json.WriteString("traceId"u8, parent.TraceId.ToString());
        json.WriteEndObject();
    });

    /// <summary>The end of the connection to a shell that a call became.</summary>
    public ReadOnlyMemory<byte> ShellEnd(ApiCall call, ShellConnectionEnd end, DateTimeOffset time) => Line(json =>
    {
        WriteHead(json, call, time, "CommandShellDisconnected", "AwsServiceEvent");
        if (end.End == ConnectionEnd.PlatformError)
            WriteError(json, AwsError.RuntimeFailed(end.Reason));
        WriteRequestParameters(json, call);
        json.WriteStartObject("serviceEventDetails"u8);
        json.WriteString("end"u8, end.End.ToString());
        json.WriteNumber("closeCode"u8, end.CloseCode);
        json.WriteString("closeReason"u8, Cut(end.Reason, MaxMessageLength));
        json.WriteBoolean("shellIsGone"u8, end.ShellIsGone);
        json.WriteNumber("bytesIn"u8, end.BytesIn);
        json.WriteNumber("bytesOut"u8, end.BytesOut);
        json.WriteNumber("durationMs"u8, Milliseconds(time - call.Time));
        json.WriteEndObject();
    });

    /// <summary>The end of a session, whoever or whatever brought it about.</summary>
    public ReadOnlyMemory<byte> SessionEnd(SessionRecord session, string runtimeArn, SessionEnd end, DateTimeOffset time) => Line(json =>
    {
        json.WriteString("eventVersion"u8, Version);

        // As CloudTrail has it for what a service does by itself.
        json.WriteStartObject("userIdentity"u8);
        json.WriteString("type"u8, "AWSService"u8);
        json.WriteString("invokedBy"u8, EventSource);
        json.WriteEndObject();
        WriteEvent(json, time, "RuntimeSessionEnded", "AwsServiceEvent");
        WriteResource(json, runtimeArn);
        WriteObject(json, "requestParameters", new() { ["runtimeSessionId"] = session.SessionId, ["qualifier"] = session.Qualifier });
        json.WriteStartObject("serviceEventDetails"u8);
        json.WriteString("end"u8, end.ToString());
        if (session.Principal is { } principal)
            json.WriteString("startedBy"u8, Cut(principal, MaxValueLength));
        json.WriteNumber("durationMs"u8, Milliseconds(time - session.StartedAt));
        json.WriteEndObject();
    });

    private void WriteHead(Utf8JsonWriter json, ApiCall call, DateTimeOffset time, string name, string type)
    {
        json.WriteString("eventVersion"u8, Version);
        WriteIdentity(json, call.Caller);
        WriteEvent(json, time, name, type);
        json.WriteString("sourceIPAddress"u8, call.SourceAddress);
        json.WriteString("requestID"u8, call.RequestId);
        if (call.ResourceArn is { } arn)
            WriteResource(json, arn);
    }

    private void WriteEvent(Utf8JsonWriter json, DateTimeOffset time, string name, string type)
    {
        json.WriteString("eventTime"u8, time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("eventSource"u8, EventSource);
        json.WriteString("eventName"u8, name);
        json.WriteString("awsRegion"u8, options.Region);
        json.WriteString("eventID"u8, Guid.NewGuid().ToString());
        json.WriteString("eventType"u8, type);
        json.WriteString("recipientAccountId"u8, options.AccountId);
    }

    private void WriteResource(Utf8JsonWriter json, string arn)
    {
        json.WriteStartArray("resources"u8);
        json.WriteStartObject();
        json.WriteString("accountId"u8, options.AccountId);
        json.WriteString("type"u8, arn.Contains("/runtime-endpoint/", StringComparison.Ordinal) ? "AWS::BedrockAgentCore::RuntimeEndpoint"u8 : "AWS::BedrockAgentCore::Runtime"u8);
        json.WriteString("ARN"u8, Cut(arn, MaxValueLength));
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private void WriteIdentity(Utf8JsonWriter json, Caller? caller)
    {
        json.WriteStartObject("userIdentity"u8);
        switch (caller)
        {
            case AccessKeyCaller key:
                json.WriteString("type"u8, "IAMUser"u8);
                json.WriteString("principalId"u8, key.Principal);
                json.WriteString("accountId"u8, options.AccountId);
                json.WriteString("accessKeyId"u8, key.Principal);
                json.WriteString("userName"u8, key.UserName);
                break;
            case TokenCaller token:
                json.WriteString("type"u8, "WebIdentityUser"u8);
                json.WriteString("principalId"u8, Cut(token.Principal, MaxMessageLength));
                json.WriteString("identityProvider"u8, token.Issuer);
                break;
            default:
                json.WriteString("type"u8, "Unknown"u8);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteError(Utf8JsonWriter json, AwsError error)
    {
        json.WriteString("errorCode"u8, error.Name);
        json.WriteString("errorMessage"u8, Cut(error.Message, MaxMessageLength));
    }

    private static void WriteRequestParameters(Utf8JsonWriter json, ApiCall call)
    {
        var parameters = new Dictionary<string, object>(call.RequestParameters);
        if (call.SessionId is { } session)
            parameters["runtimeSessionId"] = session;
        if (call.ShellId is { } shell)
            parameters["shellId"] = shell;
        WriteObject(json, "requestParameters", parameters);
    }

    private static void WriteObject(Utf8JsonWriter json, string name, Dictionary<string, object> members)
    {
        if (members.Count == 0)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        foreach (var (member, value) in members)
        {
            json.WritePropertyName(member);
            JsonSerializer.Serialize(json, value is string text && member != CommandText ? Cut(text, MaxValueLength) : value);
        }

        json.WriteEndObject();
    }

    private static ReadOnlyMemory<byte> Line(Action<Utf8JsonWriter> write)
    {
        var line = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(line, Readable))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return line.WrittenMemory;
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);

    private static string Cut(string text, int length) => text.Length <= length ? text : string.Concat(text.AsSpan(0, length), "…");
}
