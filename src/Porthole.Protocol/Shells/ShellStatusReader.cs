using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;

namespace Porthole.Protocol.Shells;

internal static class ShellStatusReader
{
    internal static bool TryRead(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out ShellStatus? status)
    {
        status = null;
        if (!Utf8.IsValid(payload)) return false;
        try
        {
            var reader = new Utf8JsonReader(payload);
            using var document = JsonDocument.ParseValue(ref reader);
            status = Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a string with half a surrogate pair in it: bytes from outside, and the caller ignores the frame.
            return false;
        }

        return status is not null;
    }

    private static ShellStatus? Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) return null;
        if (Member(root, "metadata", JsonValueKind.Object) is { } metadata && ShellIdOf(metadata) is { } shellId)
        {
            return new ShellStatus.Confirmed(
                shellId,
                Member(metadata, "reconnected", JsonValueKind.True) is not null,
                Count(metadata, "bytesDropped") ?? 0,
                Count(metadata, "inputOffset"));
        }

        return Text(root, "status") switch
        {
            "Success" => new ShellStatus.Exited(0),
            "Failure" => ReadFailure(root),
            _ => null,
        };
    }

    private static string? ShellIdOf(JsonElement metadata) =>
        Text(metadata, "shellId") is { Length: > 0 } id ? id : null;

    private static long? Count(JsonElement metadata, string name) =>
        Member(metadata, name, JsonValueKind.Number) is { } number && number.TryGetInt64(out var count) && count >= 0 ? count : null;

    private static ShellStatus ReadFailure(JsonElement root)
    {
        if (Cause(root, "ExitCode") is { } exitCode) return new ShellStatus.Exited(exitCode, Cause(root, "Signal"));
        var code = Member(root, "code", JsonValueKind.Number) is { } number && number.TryGetInt32(out var value) ? value : 500;
        return new ShellStatus.PlatformError(Text(root, "message") ?? "", code);
    }

    private static int? Cause(JsonElement root, string reason)
    {
        if (Member(root, "details", JsonValueKind.Object) is not { } details) return null;
        if (Member(details, "causes", JsonValueKind.Array) is not { } causes) return null;
        foreach (var cause in causes.EnumerateArray())
        {
            if (cause.ValueKind != JsonValueKind.Object || Text(cause, "reason") != reason) continue;
            if (int.TryParse(Text(cause, "message"), NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return value;
        }

        return null;
    }

    private static JsonElement? Member(JsonElement element, string name, JsonValueKind kind) =>
        element.TryGetProperty(name, out var member) && member.ValueKind == kind ? member : null;

    private static string? Text(JsonElement element, string name) => Member(element, name, JsonValueKind.String)?.GetString();
}
