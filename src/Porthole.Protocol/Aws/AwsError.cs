using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Porthole.Protocol.Aws;

/// <summary>A field of a request that an <see cref="AwsError"/> complains about.</summary>
/// <param name="Name">The field, header or parameter as the client spells it.</param>
/// <param name="Message">What is wrong with it and what would be right.</param>
public sealed record AwsFieldError(string Name, string Message);

/// <summary>An error answer in the form that the official clients read: a name in a header, and a JSON body.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Name">The error's name, for instance <c>ValidationException</c>.</param>
/// <param name="Message">What is wrong and what to do, for a person.</param>
/// <param name="Reason">The member <c>reason</c> that the service model requires of a ValidationException.</param>
/// <param name="Fields">The fields at fault, if any.</param>
public sealed record AwsError(int Status, string Name, string Message, string? Reason = null, IReadOnlyList<AwsFieldError>? Fields = null)
{
    /// <summary>The response header that carries <see cref="Name"/>.</summary>
    public const string TypeHeader = "x-amzn-ErrorType";

    /// <summary>The response header that carries the request's id.</summary>
    public const string RequestIdHeader = "x-amzn-RequestId";

    /// <summary>The body's content type.</summary>
    public const string ContentType = "application/json";

    // Some clients log the raw body for a person; it is never shown as HTML, so quotes need no escaping.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>400: the request cannot be read.</summary>
    public static AwsError CannotParse(string message) => new(400, "ValidationException", message, "CannotParse");

    /// <summary>400: a field has a wrong value.</summary>
    public static AwsError InvalidField(string name, string message) =>
        new(400, "ValidationException", message, "FieldValidationFailed", [new AwsFieldError(name, message)]);

    /// <summary>400: one or more fields have wrong values.</summary>
    public static AwsError InvalidFields(IReadOnlyList<AwsFieldError> fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        return new(400, "ValidationException", string.Join(" ", fields.Select(static field => field.Message)), "FieldValidationFailed", fields);
    }

    /// <summary>400: a client token comes again, with another request.</summary>
    public static AwsError TokenMismatch(string message) => new(400, "ValidationException", message, "IdempotentParameterMismatchException");

    /// <summary>400: the request does not fit the state of what it names, for instance a runtime that is not ready.</summary>
    public static AwsError ResourceState(string message) => new(400, "ValidationException", message, "ResourceConflict");

    /// <summary>401: a bearer token is missing or bad. Needs a <c>WWW-Authenticate</c> header beside it.</summary>
    public static AwsError Unauthorized(string message) => new(401, "UnauthorizedException", message);

    /// <summary>403: no permission, a wrong way of authenticating, or a bad signature.</summary>
    public static AwsError AccessDenied(string message) => new(403, "AccessDeniedException", message);

    /// <summary>404: the runtime, endpoint or session is unknown.</summary>
    public static AwsError NotFound(string message) => new(404, "ResourceNotFoundException", message);

    /// <summary>404: the path is no operation.</summary>
    public static AwsError UnknownOperation(string message) => new(404, "UnknownOperationException", message);

    /// <summary>405: the operation exists, under another verb.</summary>
    public static AwsError MethodNotAllowed(string allowed) => new(405, "MethodNotAllowedException", $"Method Not Allowed. Use {allowed}.");

    /// <summary>409: the name is taken, what is named is being changed, or two clients claimed one shell id in the same instant.</summary>
    public static AwsError Conflict(string message) => new(409, "ConflictException", message);

    /// <summary>409: the session is starting or stopping; clients retry.</summary>
    public static AwsError SessionBusy() => new(409, "RetryableConflictException", "Session operation in progress, please retry");

    /// <summary>424: the session's sandbox or agent failed.</summary>
    public static AwsError RuntimeFailed(string message) => new(424, "RuntimeClientError", message);

    /// <summary>402: the account has as many of something as it may have. The status of the control plane's model.</summary>
    public static AwsError AccountQuotaExceeded(string message) => new(402, "ServiceQuotaExceededException", message);

    /// <summary>429: a limit is reached. The status that the official command line understands of a full shell list; the service model says 402.</summary>
    public static AwsError QuotaExceeded(string message) => new(429, "ServiceQuotaExceededException", message);

    /// <summary>429: too many requests a second.</summary>
    public static AwsError Throttled(string message) => new(429, "ThrottlingException", message);

    /// <summary>500: a fault of the server.</summary>
    public static AwsError Internal(string message) => new(500, "InternalServerException", message);

    /// <summary>Writes the body. The text stands in it twice, because a person is told to read <c>error</c> and the clients read <c>message</c>.</summary>
    /// <param name="output">Gets the JSON.</param>
    public void WriteBody(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var json = new Utf8JsonWriter(output, Readable);
        json.WriteStartObject();
        json.WriteString("message"u8, Message);
        json.WriteString("error"u8, Message);
        if (Reason is not null) json.WriteString("reason"u8, Reason);
        if (Fields is { Count: > 0 }) WriteFields(json, Fields);
        json.WriteEndObject();
    }

    private static void WriteFields(Utf8JsonWriter json, IReadOnlyList<AwsFieldError> fields)
    {
        json.WriteStartArray("fieldList"u8);
        foreach (var field in fields)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, field.Name);
            json.WriteString("message"u8, field.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
