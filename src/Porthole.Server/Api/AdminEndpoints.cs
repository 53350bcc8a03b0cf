using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Porthole.Server.Sessions;

namespace Porthole.Server.Api;

/// <summary>What AWS's API lacks, outside its paths: listing sessions with their shells, and ending the server with all of them.</summary>
internal sealed class AdminEndpoints(SessionManager sessions, IHostApplicationLifetime lifetime)
{
    /// <summary>GET /porthole/v1/sessions.</summary>
    public async Task ListSessionsAsync(HttpContext context, AdminRequest request)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartArray();
        foreach (var session in sessions.List().OrderBy(session => session.Record.StartedAt))
            Write(json, session);
        json.WriteEndArray();
    }

    /// <summary>POST /porthole/v1/shutdown: ends every session, then the server.</summary>
    public async Task ShutDownAsync(HttpContext context, AdminRequest request)
    {
        var count = sessions.List().Count;
        await sessions.StopAllAsync();
        await context.Response.WriteAsJsonAsync(new { sessions = count }, context.RequestAborted);
        lifetime.StopApplication();
    }

    private static void Write(Utf8JsonWriter json, Session session)
    {
        json.WriteStartObject();
        json.WriteString("sessionId", session.Key.SessionId);
        json.WriteString("runtimeArn", session.Deployment.Runtime.Arn.ToString());
        json.WriteString("qualifier", session.Key.Qualifier);
        json.WriteString("state", session.State.ToString().ToUpperInvariant());
        if (session.Isolation is { } isolation)
            json.WriteString("isolation", isolation.ToString().ToLowerInvariant());
        if (session.Accelerator is { } accelerator)
            json.WriteString("accelerator", accelerator);
        json.WriteString("createdAt", session.Record.StartedAt);
        json.WriteStartArray("shells");
        foreach (var shell in session.Shells.List())
        {
            json.WriteStartObject();
            json.WriteString("shellId", shell.ShellId);
            json.WriteBoolean("attached", shell.Attached);
            if (shell.DetachedAt is { } since)
                json.WriteString("detachedAt", since);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
