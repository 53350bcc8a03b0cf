using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace Porthole.Protocol.Shells;

/// <summary>
/// The payload of a STATUS frame: a shell is confirmed, has exited, or the platform failed. There is no fourth kind, because one
/// official client takes every status without a shell id for the end of the shell.
/// </summary>
public abstract record ShellStatus
{
    private ShellStatus()
    {
    }

    /// <summary>The connection is attached to a shell.</summary>
    /// <param name="ShellId">The shell's id.</param>
    /// <param name="Reconnected">Whether the shell existed before.</param>
    /// <param name="BytesDropped">Bytes of output lost while nobody was attached; 0 is left out on the wire.</param>
    /// <param name="InputOffset">
    /// Bytes of STDIN that the shell has accepted in its life, so that a client knows which of its own arrived before a drop. Porthole's
    /// extension; official clients ignore it, and the service does not send it (null).
    /// </param>
    public sealed record Confirmed(string ShellId, bool Reconnected, long BytesDropped = 0, long? InputOffset = null) : ShellStatus;

    /// <summary>The shell has ended.</summary>
    /// <param name="ExitCode">0 to 255; 128 + signal when a signal ended it.</param>
    /// <param name="Signal">The signal's number, or null when the shell ended by itself.</param>
    public sealed record Exited(int ExitCode, int? Signal = null) : ShellStatus
    {
        /// <summary>The status of a shell that a signal ended.</summary>
        /// <param name="signal">The signal's number, 1 to 64.</param>
        public static Exited BySignal(int signal) => new(128 + signal, signal);
    }

    /// <summary>The platform failed; close code 1011 has to follow, or one official client reports success.</summary>
    /// <param name="Message">What went wrong, for a person.</param>
    /// <param name="Code">An HTTP status, 500 unless a client was told otherwise.</param>
    public sealed record PlatformError(string Message, int Code = 500) : ShellStatus;

    /// <summary>Writes the status as JSON.</summary>
    /// <param name="output">Gets the JSON, without the channel byte.</param>
    public void WriteTo(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("kind"u8, "Status"u8);
        json.WriteString("apiVersion"u8, "v1"u8);
        switch (this)
        {
            case Confirmed confirmed: WriteConfirmed(json, confirmed); break;
            case Exited { ExitCode: 0, Signal: null }: WriteSuccess(json); break;
            case Exited exited: WriteFailure(json, exited); break;
            case PlatformError error: WriteError(json, error); break;
        }

        json.WriteEndObject();
    }

    private static void WriteConfirmed(Utf8JsonWriter json, Confirmed status)
    {
        json.WriteStartObject("metadata"u8);
        json.WriteString("shellId"u8, status.ShellId);
        json.WriteBoolean("reconnected"u8, status.Reconnected);
        if (status.BytesDropped > 0) json.WriteNumber("bytesDropped"u8, status.BytesDropped);
        if (status.InputOffset is { } offset) json.WriteNumber("inputOffset"u8, offset);
        json.WriteEndObject();
        json.WriteString("status"u8, "Success"u8);
    }

    private static void WriteSuccess(Utf8JsonWriter json)
    {
        WriteEmptyMetadata(json);
        json.WriteString("status"u8, "Success"u8);
    }

    private static void WriteFailure(Utf8JsonWriter json, Exited status)
    {
        var code = status.ExitCode.ToString(CultureInfo.InvariantCulture);
        WriteEmptyMetadata(json);
        json.WriteString("status"u8, "Failure"u8);
        json.WriteString("reason"u8, "NonZeroExitCode"u8);
        json.WriteString("message"u8, $"command terminated with exit code {code}");
        json.WriteStartObject("details"u8);
        json.WriteStartArray("causes"u8);
        WriteCause(json, "ExitCode", code);
        if (status.Signal is { } signal) WriteCause(json, "Signal", signal.ToString(CultureInfo.InvariantCulture));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteError(Utf8JsonWriter json, PlatformError status)
    {
        WriteEmptyMetadata(json);
        json.WriteString("status"u8, "Failure"u8);
        json.WriteString("reason"u8, "InternalError"u8);
        json.WriteString("message"u8, status.Message);
        json.WriteNumber("code"u8, status.Code);
    }

    // An object and never null: one official client calls a method on it. Never a shell id here, or it reads as a confirmation.
    private static void WriteEmptyMetadata(Utf8JsonWriter json)
    {
        json.WriteStartObject("metadata"u8);
        json.WriteEndObject();
    }

    private static void WriteCause(Utf8JsonWriter json, string reason, string message)
    {
        json.WriteStartObject();
        json.WriteString("reason"u8, reason);
        json.WriteString("message"u8, message);
        json.WriteEndObject();
    }

    /// <summary>Reads a STATUS payload as the official clients do: a shell id makes it a confirmation, whatever else it says.</summary>
    /// <param name="payload">The frame without its channel byte.</param>
    /// <param name="status">The status, when the result is true.</param>
    /// <returns>False when it is not JSON, or neither confirms nor ends a shell; the frame is then ignored.</returns>
    public static bool TryParse(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out ShellStatus? status) =>
        ShellStatusReader.TryRead(payload, out status);
}
