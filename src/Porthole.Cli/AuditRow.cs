using System.Text.Json;
using static Porthole.Server.Audit.AuditFilter;

namespace Porthole.Cli;

/// <summary>A line of the audit trail for a person: columns of fixed width, so that each can be printed when it comes; ids at the end, whole.</summary>
internal static class AuditRow
{
    public static string Titles { get; } = Format("TIME", "EVENT", "RESULT", "MS", "WHO", "FROM", "SESSION", "SHELL");

    public static string Of(JsonElement line) => Format(
        Text(line, "eventTime"),
        Text(line, "eventName"),
        ResultOf(line),
        Text(line, "additionalEventData", "durationMs") ?? Text(line, "serviceEventDetails", "durationMs"),
        Text(line, "userIdentity", "userName") ?? Text(line, "userIdentity", "principalId") ?? Text(line, "userIdentity", "type"),
        Text(line, "sourceIPAddress"),
        Text(line, "requestParameters", "runtimeSessionId"),
        Text(line, "requestParameters", "shellId"));

    private static string ResultOf(JsonElement line) =>
        Text(line, "errorCode")
        ?? (Text(line, "responseElements", "exitCode") is { } exitCode ? $"exit {exitCode}" : null)
        ?? Text(line, "serviceEventDetails", "end")
        ?? "ok";

    private static string Format(string? time, string? name, string? result, string? ms, string? who, string? from, string? session, string? shell) =>
        $"{Cell(time),-24}  {Cell(name),-30}  {Cell(result),-26}  {Cell(ms),10}  {Cell(who),-20}  {Cell(from),-15}  {Cell(session)}  {Cell(shell)}".TrimEnd();

    // Names come from clients: nothing of them may move the terminal's cursor.
    private static string Cell(string? text) => text is null or "" ? "-" : string.Concat(text.Select(static c => char.IsControl(c) ? '?' : c));
}
