using System.Text;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests;

public sealed class SessionTests
{
    [Fact]
    public async Task Stopping_a_session_names_it_in_a_signed_header()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var id = new string('s', 33);
        var stopping = client.StopSessionAsync(ScriptedServer.RuntimeArn, id);
        var request = await server.NextAsync();
        Assert.Contains("x-amzn-bedrock-agentcore-runtime-session-id", Assert.IsType<SigV4Result.Valid>(request.Verify()).SignedHeaders);
        Assert.EndsWith("sandbox-abcdefghij/stopruntimesession", request.RawTarget);
        Assert.Equal(id, request.Header(SessionId.HeaderName));
        await request.AnswerAsync(200, "application/json", "{}"u8.ToArray());
        await stopping;
    }

    [Fact]
    public async Task Sessions_are_listed_with_their_shells_and_unknown_members_do_no_harm()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var listing = client.ListSessionsAsync();
        var request = await server.NextAsync();
        Assert.Equal("/porthole/v1/sessions", request.RawTarget);
        await request.AnswerAsync(200, "application/json", Encoding.UTF8.GetBytes(
            """[{"sessionId":"s1","runtimeArn":"r","qualifier":"DEFAULT","state":"running","createdAt":"2026-01-02T03:04:05Z","future":1,"shells":[{"shellId":"a","attached":true}]}]"""));
        var session = Assert.Single(await listing);
        Assert.Equal(("s1", "running", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), (session.SessionId, session.State, session.CreatedAt));
        Assert.Equal([new ShellDescription("a", true)], session.Shells);
    }

    [Fact]
    public async Task Shutting_the_server_down_says_whether_the_sessions_end_too()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var stopping = client.ShutDownServerAsync(endSessions: true);
        var request = await server.NextAsync();
        Assert.Equal(("POST", "/porthole/v1/shutdown"), (request.Method, request.RawTarget));
        Assert.Equal("""{"sessions":true}""", Encoding.UTF8.GetString(await request.BodyAsync()));
        await request.AnswerAsync(202, "application/json", default);
        await stopping;
    }
}
