using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>What a collector gets of a server that is used.</summary>
public sealed class TelemetryTests
{
    private const string ClientTrace = "4bf92f3577b34da6a3ce929d0e0e4736", ClientSpan = "00f067aa0ba902b7";

    [Fact]
    public async Task A_collector_gets_the_spans_of_calls_in_the_clients_trace_and_every_metric_of_sessions_and_shells()
    {
        await using var collector = new OtlpReceiver();
        await using var server = await TestServer.StartAsync(environment: Exporting(collector));
        using var api = new ApiClient(server);
        var sessionId = ShellClient.NewSessionId();

        api.TraceParent = $"00-{ClientTrace}-{ClientSpan}-01";
        var command = await api.RunCommandAsync(sessionId, "echo $TRACEPARENT");
        api.TraceParent = null;

        var call = await collector.SpanAsync("InvokeAgentRuntimeCommand");
        Assert.Equal((ClientTrace, ClientSpan), (call.TraceId, call.ParentId));
        Assert.Equal($"00-{ClientTrace}-{call.SpanId}-01\n", command.Stdout);
        Assert.Equal(sessionId, call.Attributes["session.id"]);
        Assert.Equal("200", call.Attributes["http.response.status_code"]);
        var start = await collector.SpanAsync("start session");
        Assert.Equal((ClientTrace, call.SpanId), (start.TraceId, start.ParentId));
        Assert.Equal(["limits are set", "processes run", "guest answers"], start.Events);
        Assert.Equal("porthole", collector.Resource["service.name"]);

        using var shell = await ShellClient.OpenAsync(server, sessionId);
        await shell.SendAsync("#");
        await shell.ReadUntilAsync("#");
        var shellCall = await collector.SpanAsync("InvokeAgentRuntimeCommandShell");
        Assert.Equal("101", shellCall.Attributes["http.response.status_code"]);
        Assert.Equal(shellCall.SpanId, (await collector.SpanAsync("attach shell")).ParentId);

        await Patience.UntilAsync("an echo", () => collector.Point("porthole.shell.echo.duration") is { Value: >= 1, Sum: > 0 and < 30, Unit: "s" });
        await Patience.UntilAsync("one attached shell", () => collector.Point("porthole.shells", "porthole.shell.state", "attached")?.Value == 1);
        await Patience.UntilAsync("one active session", () => collector.Point("porthole.sessions", "porthole.session.state", "active")?.Value == 1);
        await Patience.UntilAsync("the byte that was typed", () => collector.Point("porthole.shell.io", "porthole.io.direction", "in")?.Value == 1);
        await Patience.UntilAsync("what was printed", () => collector.Point("porthole.shell.io", "porthole.io.direction", "out")?.Value > 1);
        await Patience.UntilAsync("a look at the calm loop", () => collector.Point("porthole.relay.lag", "porthole.relay.loop", "relay-calm")?.Value >= 1);
        Assert.Equal(1, collector.Point("porthole.session.start.duration")?.Value);
        Assert.Equal(1, collector.Point("porthole.api.duration", "rpc.method", "InvokeAgentRuntimeCommand")?.Value);

        await shell.DetachAsync();
        var end = await collector.SpanAsync("shell disconnected");
        Assert.Equal([shellCall.SpanId], end.LinkedSpans);
        Assert.Equal(("Detached", "1"), (end.Attributes["porthole.shell.end"], end.Attributes["porthole.shell.bytes_in"]));
        await Patience.UntilAsync("one detached shell", () => collector.Point("porthole.shells", "porthole.shell.state", "detached")?.Value == 1);
        (await api.StopSessionAsync(sessionId)).Dispose();
        await Patience.UntilAsync("the session's end", () => collector.Point("porthole.session.ended", "porthole.session.end", "Stopped")?.Value == 1);
        Assert.DoesNotContain(collector.Spans, span => span.Name == "api call");
    }

    [Fact]
    public async Task A_collector_that_is_not_there_is_told_to_the_log_and_hinders_nothing()
    {
        var environment = new Dictionary<string, string> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{TestServer.FreePort()}", ["OTEL_METRIC_EXPORT_INTERVAL"] = "200" };
        await using var server = await TestServer.StartAsync(environment: environment);
        using var api = new ApiClient(server);
        Assert.Equal("ok\n", (await api.RunCommandAsync(ShellClient.NewSessionId(), "echo ok")).Stdout);
        await server.Log.WaitForAsync("do not reach the collector");
    }

    [Fact]
    public async Task Without_a_collector_a_command_still_gets_the_clients_own_context()
    {
        await using var server = await TestServer.StartAsync();
        using var api = new ApiClient(server) { TraceParent = $"00-{ClientTrace}-{ClientSpan}-01" };
        Assert.Equal($"00-{ClientTrace}-{ClientSpan}-01\n", (await api.RunCommandAsync(ShellClient.NewSessionId(), "echo $TRACEPARENT")).Stdout);
    }

    [Fact]
    public async Task The_log_is_JSON_when_asked_for()
    {
        await using var server = await TestServer.StartAsync("\"logFormat\": \"json\"");
        var ready = server.Log.Text.Split('\n').Single(line => line.Contains("Ready on ", StringComparison.Ordinal));
        Assert.Equal("Information", System.Text.Json.JsonElement.Parse(ready).GetProperty("LogLevel").GetString());
    }

    private static Dictionary<string, string> Exporting(OtlpReceiver collector) => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
    };
}
