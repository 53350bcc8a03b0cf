using System.Text;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests.Shells;

public sealed class ShellAttachTests
{
    private static readonly string SomeSession = new('s', 36);

    [Fact]
    public async Task A_shell_is_opened_with_a_signature_in_headers_that_the_server_can_verify()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn, new ShellOptions { SessionId = SomeSession, ShellId = "mine", Qualifier = "DEFAULT" });
        var request = await server.NextAsync();

        Assert.Equal(
            "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu-test-1%3A123456789012%3Aruntime%2Fsandbox-abcdefghij/ws/shells?shellId=mine&qualifier=DEFAULT",
            request.RawTarget);
        Assert.Equal(SomeSession, request.Header(SessionId.HeaderName));
        var valid = Assert.IsType<SigV4Result.Valid>(request.Verify());
        Assert.Contains("x-amzn-bedrock-agentcore-runtime-session-id", valid.SignedHeaders);
        Assert.Null(request.Header("Sec-WebSocket-Extensions"));

        await request.AttachAsync();
        await using var shell = await opening;
        Assert.Equal((SomeSession, "mine", false), (shell.SessionId, shell.ShellId, shell.Reattached));
    }

    [Fact]
    public async Task A_presigned_shell_is_opened_without_any_header_of_ours()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn, new ShellOptions { SessionId = SomeSession, Presigned = true });
        var request = await server.NextAsync();

        Assert.True(Assert.IsType<SigV4Result.Valid>(request.Verify()).Presigned);
        Assert.Equal(SomeSession, request.Query(SessionId.HeaderName));
        Assert.Null(request.Header(SessionId.HeaderName));
        Assert.Null(request.Header("Authorization"));
        await request.AttachAsync();
        await (await opening).DisposeAsync();
    }

    [Fact]
    public async Task A_bearer_token_is_asked_for_at_every_connection()
    {
        await using var server = await ScriptedServer.StartAsync();
        var tokens = 0;
        using var client = server.Client(authentication: ClientAuthentication.Bearer(() => $"token-{++tokens}"));
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        var request = await server.NextAsync();
        Assert.Equal("Bearer token-1", request.Header("Authorization"));
        var first = await request.AttachAsync();
        await using var shell = await opening;

        first.Drop();
        await shell.NextAsync<ShellNotice.Disconnected>();
        var back = shell.NextAsync<ShellNotice.Reconnected>();
        request = await server.NextAsync();
        Assert.Equal("Bearer token-2", request.Header("Authorization"));
        await request.AttachAsync(reconnected: true);
        await back;
    }

    [Fact]
    public async Task Ids_that_nobody_gave_are_made_here_and_those_of_the_answer_win()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        var request = await server.NextAsync();
        Assert.True(SessionId.IsValid(request.Header(SessionId.HeaderName)));
        Assert.True(ShellId.IsValid(request.Query("shellId")));

        var socket = await request.AcceptAsync(new string('x', 40), "theirs");
        await socket.ConfirmAsync(true, bytesDropped: 12, null, "theirs");
        await using var shell = await opening;
        Assert.Equal((new string('x', 40), "theirs", true, 12L), (shell.SessionId, shell.ShellId, shell.Reattached, shell.BytesDropped));
    }

    [Fact]
    public async Task Output_in_front_of_the_confirmation_is_not_lost()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        var socket = await (await server.NextAsync()).AcceptAsync();
        await socket.PrintAsync("early ");
        await socket.ConfirmAsync(false, 0, null);
        await socket.PrintAsync("late");
        await using var shell = await opening;
        await shell.PrintsAsync("early late");
    }

    [Theory]
    [InlineData(403, "AccessDeniedException", "The security token included in the request is invalid.")]
    [InlineData(429, "ServiceQuotaExceededException", "This session has 10 shells already.")]
    [InlineData(424, "RuntimeClientError", "The sandbox could not start: no space left on device.")]
    public async Task A_refusal_is_reported_in_the_servers_own_words(int status, string name, string message)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        await (await server.NextAsync()).RefuseAsync(new AwsError(status, name, message));

        var refusal = await Assert.ThrowsAsync<AgentCoreException>(() => opening);
        Assert.Equal((status, name, message, "request-1"), (refusal.Status, refusal.Name, refusal.Message, refusal.RequestId));
        Assert.False(server.HasRequest);
    }

    [Theory]
    [InlineData(200, "text/html", "<html>hello</html>", "The server answered 200 OK where a WebSocket was expected. Is the address the data plane's?")]
    [InlineData(502, "text/html", "<html>bad gateway</html>", "The server answered 502 Bad Gateway without saying why.")]
    [InlineData(503, "text/plain", "upstream is down\n", "upstream is down")]
    [InlineData(404, "application/json", "[1]", "The server answered 404 Not Found without saying why.")]
    [InlineData(500, "application/json", """{"__type":"InternalServerException","Message":"oops"}""", "oops")]
    public async Task An_answer_in_another_form_still_gives_a_message(int status, string contentType, string body, string expected)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        await (await server.NextAsync()).AnswerAsync(status, contentType, Encoding.UTF8.GetBytes(body));
        Assert.Equal(expected, (await Assert.ThrowsAsync<AgentCoreException>(() => opening)).Message);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named_in_the_error()
    {
        var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        await server.DisposeAsync();
        var refusal = await Assert.ThrowsAsync<AgentCoreException>(() => client.OpenShellAsync(ScriptedServer.RuntimeArn));
        Assert.Null(refusal.Status);
        Assert.StartsWith($"{server.Endpoint.GetLeftPart(UriPartial.Authority).Replace("http", "ws")} cannot be reached: Connection refused", refusal.Message);
    }

    [Theory]
    [InlineData(1011, "session failed", "The shell could not be opened: the server failed: session failed.")]
    [InlineData(4000, "", "The shell could not be opened: another client attached to this shell.")]
    [InlineData(1000, "", "The shell could not be opened: the server ended the connection.")]
    public async Task A_close_in_front_of_the_confirmation_is_an_error(int code, string description, string expected)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        var socket = await (await server.NextAsync()).AcceptAsync();
        await socket.CloseAsync(code, description);
        Assert.Equal(expected, (await Assert.ThrowsAsync<AgentCoreException>(() => opening)).Message);
    }

    [Fact]
    public async Task A_platform_error_in_the_place_of_the_confirmation_is_an_error_with_its_message()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        var socket = await (await server.NextAsync()).AcceptAsync();
        await socket.StatusAsync(new ShellStatus.PlatformError("no bash in the image"));
        Assert.Equal("The shell could not be opened: no bash in the image.", (await Assert.ThrowsAsync<AgentCoreException>(() => opening)).Message);
    }

    [Fact]
    public async Task A_shell_that_ends_before_its_confirmation_is_opened_and_over()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn);
        var socket = await (await server.NextAsync()).AcceptAsync();
        await socket.StatusAsync(new ShellStatus.Exited(3));
        await using var shell = await opening;
        Assert.Equal(3, (await shell.NextAsync<ShellNotice.Ended>()).End.ExitCode);
    }

    [Fact]
    public async Task A_confirmation_that_does_not_come_in_time_is_an_error()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn, new ShellOptions { AttachTimeout = TimeSpan.FromSeconds(1) });
        await (await server.NextAsync()).AcceptAsync();
        Assert.Equal("The server did not open the shell within 1 s.", (await Assert.ThrowsAsync<AgentCoreException>(() => opening)).Message);
    }

    [Fact]
    public async Task Cancelling_gives_the_attach_up()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        using var impatience = new CancellationTokenSource();
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn, null, impatience.Token);
        await (await server.NextAsync()).AcceptAsync();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
    }

    [Theory]
    [InlineData("short", null)]
    [InlineData(null, "no spaces")]
    public async Task An_id_that_no_server_takes_is_refused_here(string? sessionId, string? shellId)
    {
        using var client = new AgentCoreClient(new AgentCoreClientOptions { Endpoint = new Uri("http://127.0.0.1:1") });
        var options = new ShellOptions { SessionId = sessionId, ShellId = shellId };
        var refusal = await Assert.ThrowsAsync<AgentCoreException>(() => client.OpenShellAsync(ScriptedServer.RuntimeArn, options));
        Assert.Contains("letters, digits", refusal.Message);
    }
}
