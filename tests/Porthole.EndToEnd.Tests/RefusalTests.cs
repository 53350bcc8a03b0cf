using System.Text;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests;

/// <summary>Every error before an upgrade (contract section 7) that can happen in this version, as it is on the wire.</summary>
public sealed class RefusalTests(SharedServer shared)
{
    private const string Session = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

    private readonly TestServer _server = shared.Server;

    private Upgrade Good => new() { Server = _server };

    [Theory]
    [InlineData("too-short-for-a-session-id")]
    [InlineData("-begins-with-a-dash-0123456789012345")]
    [InlineData("has.a.dot.in.it.0123456789012345678901")]
    [InlineData("has a blank in it 0123456789012345678901")]
    public Task A_malformed_session_id_is_refused(string id) =>
        RefusedAsync(Good with { SessionHeader = id }, 400, "ValidationException", "session id");

    [Fact]
    public async Task A_session_id_of_256_characters_is_accepted_and_one_more_refused()
    {
        await RefusedAsync(Good with { SessionHeader = new string('s', 257) }, 400, "ValidationException", "session id");
        using var client = await ShellClient.OpenAsync(Good with { SessionHeader = new string('s', 256) });
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task Two_different_session_ids_are_refused()
    {
        await RefusedAsync(Good with { SessionHeader = new string('a', 36), Query = $"{Session}={new string('b', 36)}" }, 400, "ValidationException", "differs");
        await RefusedAsync(Good with { Query = $"{Session}={new string('b', 36)}&{Session}={new string('c', 36)}" }, 400, "ValidationException", "more than once");
    }

    [Theory]
    [InlineData("shellId=")]
    [InlineData("shellId=-x")]
    [InlineData("shellId=a.b")]
    [InlineData("shellId=a%2Fb")]
    [InlineData("shellId=..%2F..%2Fetc")]
    [InlineData("shellId=a&shellId=b")]
    public Task A_malformed_shell_id_is_refused(string query) => RefusedAsync(Good with { Query = query }, 400, "ValidationException", "shell id");

    [Fact]
    public async Task A_shell_id_of_128_characters_is_accepted_and_one_more_refused()
    {
        await RefusedAsync(Good with { Query = $"shellId={new string('s', 129)}" }, 400, "ValidationException", "shell id");
        using var client = await ShellClient.OpenAsync(Good with { Query = $"shellId={new string('s', 128)}" });
        await client.CloseShellAsync();
    }

    [Theory]
    [InlineData("nonsense!", "", 400, "ValidationException", "neither")]
    [InlineData("arn%3Aaws%3As3%3A%3A%3Abucket", "", 400, "ValidationException", "neither")]
    [InlineData("sandbox-0123456789", "", 400, "ValidationException", "accountId")]
    [InlineData("sandbox-0123456789", "accountId=000000000000", 404, "ResourceNotFoundException", "No endpoint or agent found with qualifier 'DEFAULT' for agent 'sandbox-0123456789'")]
    [InlineData("arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A000000000000%3Aruntime%2Fsandbox-0123456789", "", 404, "ResourceNotFoundException", "No endpoint or agent found")]
    public Task An_unknown_or_malformed_runtime_is_refused(string runtime, string query, int status, string name, string message) =>
        RefusedAsync(Good with { Runtime = runtime, Query = query }, status, name, message);

    [Fact]
    public async Task The_arn_of_another_account_region_or_qualifier_is_not_found()
    {
        await RefusedAsync(Good with { Runtime = Uri.EscapeDataString(_server.RuntimeArn.Replace("000000000000", "111111111111")) }, 404, "ResourceNotFoundException");
        await RefusedAsync(Good with { Runtime = Uri.EscapeDataString(_server.RuntimeArn.Replace("us-east-1", "eu-west-1")) }, 404, "ResourceNotFoundException");
        await RefusedAsync(Good with { Query = "qualifier=prod" }, 404, "ResourceNotFoundException", "qualifier 'prod'");
    }

    [Fact]
    public async Task Without_proof_a_caller_learns_nothing_but_that()
    {
        await RefusedAsync(Good with { By = Upgrade.Proof.None }, 403, "AccessDeniedException");
        await RefusedAsync(Good with { By = Upgrade.Proof.None, Runtime = "sandbox-0123456789", Query = "accountId=000000000000" }, 403, "AccessDeniedException");
        await RefusedAsync(Good with { By = Upgrade.Proof.None, MoreHeaders = "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\n" }, 403, "AccessDeniedException", "Authorization method mismatch");
        await RefusedAsync(Good with { By = Upgrade.Proof.None, MoreHeaders = "Authorization: Basic dXNlcjpwYXNz\r\n" }, 403, "AccessDeniedException");
        await RefusedAsync(Good with { By = Upgrade.Proof.None, MoreHeaders = "Authorization: AWS4-HMAC-SHA256 nonsense\r\n" }, 403, "AccessDeniedException");
    }

    [Theory]
    [InlineData(Upgrade.Proof.Headers)]
    [InlineData(Upgrade.Proof.Query)]
    public async Task A_signature_by_a_wrong_key_for_another_region_or_at_a_wrong_time_is_refused(object proof)
    {
        var by = (Upgrade.Proof)proof;
        var good = Good with { By = by };
        await RefusedAsync(good with { Credentials = _server.Credentials with { SecretAccessKey = "wrong" } }, 403, "AccessDeniedException");
        await RefusedAsync(good with { Credentials = new SigV4Credentials("AKIDEXAMPLE", "wrong") }, 403, "AccessDeniedException");
        await RefusedAsync(good with { Region = "eu-west-1" }, 403, "AccessDeniedException", "us-east-1");
        await RefusedAsync(good with { Time = DateTimeOffset.UtcNow.AddMinutes(-6) }, 403, "AccessDeniedException");
        await RefusedAsync(good with { Time = DateTimeOffset.UtcNow.AddMinutes(6) }, 403, "AccessDeniedException");
        await RefusedAsync(good with { SignedHost = "other.example" }, 403, "AccessDeniedException");
    }

    [Fact]
    public async Task A_clock_that_is_four_minutes_off_is_tolerated()
    {
        foreach (var minutes in (int[])[-4, 4])
        {
            using var client = await ShellClient.OpenAsync(Good with { Time = DateTimeOffset.UtcNow.AddMinutes(minutes) });
            await client.CloseShellAsync();
        }
    }

    [Fact]
    public async Task A_presigned_url_is_refused_once_expired_when_it_would_live_too_long_or_when_changed()
    {
        var good = Good with { By = Upgrade.Proof.Query, Query = "shellId=a" };
        await RefusedAsync(good with { Time = DateTimeOffset.UtcNow.AddSeconds(-20), Expires = TimeSpan.FromSeconds(10) }, 403, "AccessDeniedException", "expired");
        await RefusedAsync(good with { Tamper = target => target.Replace("X-Amz-Expires=300", "X-Amz-Expires=301") }, 403, "AccessDeniedException", "300");
        await RefusedAsync(good with { Tamper = target => target.Replace("shellId=a", "shellId=b") }, 403, "AccessDeniedException");
        await RefusedAsync(good with { Tamper = target => target + "&qualifier=DEFAULT" }, 403, "AccessDeniedException");
        await RefusedAsync(good with { Tamper = target => target.Replace("&X-Amz-Date=", "&X-Amz-Nonsense=") }, 403, "AccessDeniedException");
        using var client = await ShellClient.OpenAsync(good);
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task A_request_that_was_signed_for_another_path_or_session_is_refused()
    {
        await RefusedAsync(Good with { Tamper = target => target + "?shellId=mine" }, 403, "AccessDeniedException");
        await RefusedAsync(Good with { SessionHeader = new string('a', 36), MoreHeaders = "", Tamper = target => target }
            with
        { Credentials = _server.Credentials with { SessionToken = "token" }, Region = "us-west-2" }, 403, "AccessDeniedException");
        var signed = Encoding.UTF8.GetString((Good with { SessionHeader = new string('a', 36) }).Head());
        using var socket = await RawSocket.ConnectAsync(_server);
        await socket.SendRawAsync(Encoding.UTF8.GetBytes(signed.Replace(new string('a', 36), new string('b', 36))));
        (await socket.ReadAnswerAsync()).AssertError(403, "AccessDeniedException");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2c\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")]
    public Task A_request_that_is_no_upgrade_to_websocket_13_is_refused(string headers) =>
        RefusedAsync(Good with { UpgradeHeaders = headers }, 400, "ValidationException");

    [Fact]
    public async Task Unknown_paths_are_404_and_wrong_verbs_405()
    {
        await RefusedAsync(Good with { Operation = "ws/nonsense", UpgradeHeaders = "" }, 404, "UnknownOperationException");
        await RefusedAsync(Good with { Operation = "ws/shells/", UpgradeHeaders = "" }, 404, "UnknownOperationException");
        await RefusedAsync(Good with { Operation = "commands", UpgradeHeaders = "" }, 405, "MethodNotAllowedException", "Use POST.");
        await RefusedAsync(Good with { Method = "POST", UpgradeHeaders = "Content-Length: 0\r\n" }, 405, "MethodNotAllowedException", "Use GET.");
        await RefusedAsync(Good with { Method = "DELETE", Operation = "stopruntimesession", UpgradeHeaders = "" }, 405, "MethodNotAllowedException", "Use POST.");
    }

    [Fact]
    public async Task Headers_up_to_60_KB_are_read_and_larger_ones_get_431()
    {
        var token = new string('t', 60 * 1024);
        using var client = await ShellClient.OpenAsync(Good with { MoreHeaders = $"baggage: {token}\r\n" });
        await client.CloseShellAsync();
        var (_, answer) = await ShellClient.TryOpenAsync(Good with { MoreHeaders = $"baggage: {new string('t', 80 * 1024)}\r\n" });
        Assert.Equal(431, answer.Status);
    }

    [Theory]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n")]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n")]
    [InlineData("GET nonsense HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /healthz HTTP/1.1\r\n\r\n")]
    [InlineData("GET /%zz/runtimes HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\0\u0001\u0002\u0003\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    public async Task Garbage_instead_of_a_request_is_answered_with_an_error_or_a_closed_connection(string bytes)
    {
        using var socket = await RawSocket.ConnectAsync(_server);
        await socket.SendRawAsync(Encoding.Latin1.GetBytes(bytes));
        try
        {
            Assert.Contains((await socket.ReadAnswerAsync()).Status, (int[])[400, 404, 405, 505]);
        }
        catch (Exception closed) when (closed is EndOfStreamException or System.Net.Sockets.SocketException)
        {
            // Also an answer: nothing of it was HTTP.
        }
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("nonsense", "JSON")]
    [InlineData("[]", "JSON object")]
    [InlineData("{}", "command")]
    [InlineData("""{"command":7}""", "command")]
    [InlineData("""{"command":""}""", "1 to 65536")]
    [InlineData("""{"command":"a\u0000b"}""", "NUL")]
    [InlineData("""{"command":"true","timeout":0}""", "1 to 3600")]
    [InlineData("""{"command":"true","timeout":3601}""", "1 to 3600")]
    [InlineData("""{"command":"true","timeout":"10"}""", "1 to 3600")]
    [InlineData("""{"command":"true","timeout":1.5}""", "1 to 3600")]
    public async Task A_malformed_command_is_refused(string body, string message)
    {
        using var api = new ApiClient(_server);
        using var response = await api.PostAsync(api.RuntimePath("commands"), body, ShellClient.NewSessionId(), TestContext.Current.CancellationToken);
        await RefusedAsync(response, 400, "ValidationException", message);
    }

    [Fact]
    public async Task A_command_of_64_KB_runs_a_longer_one_and_a_body_beyond_all_bounds_are_refused()
    {
        using var api = new ApiClient(_server);
        var sessionId = ShellClient.NewSessionId();
        var padding = new string('#', 65_536 - "echo ran ".Length);
        Assert.Equal("ran\n", (await api.RunCommandAsync(sessionId, "echo ran " + padding)).Stdout);
        using var longer = await api.StartCommandAsync(sessionId, "echo ran #" + padding, null, TestContext.Current.CancellationToken);
        await RefusedAsync(longer, 400, "ValidationException", "1 to 65536");
        using var huge = await api.StartCommandAsync(sessionId, new string('x', 2_000_000), null, TestContext.Current.CancellationToken);
        await RefusedAsync(huge, 400, "ValidationException", "The body has");
    }

    [Fact]
    public async Task Stopping_needs_a_session_id_of_a_session_that_lives()
    {
        using var api = new ApiClient(_server);
        using var without = await api.PostAsync(api.RuntimePath("stopruntimesession"), "", null, TestContext.Current.CancellationToken);
        await RefusedAsync(without, 400, "ValidationException", "session id is required");
        using var unknown = await api.StopSessionAsync(ShellClient.NewSessionId());
        await RefusedAsync(unknown, 404, "ResourceNotFoundException", "does not exist");
    }

    private static async Task RefusedAsync(Upgrade request, int status, string name, string message = "")
    {
        var (client, answer) = await ShellClient.TryOpenAsync(request);
        client?.Dispose();
        answer.AssertError(status, name, message);
        Assert.Null(answer.Header("WWW-Authenticate"));
    }

    private static async Task RefusedAsync(HttpResponseMessage response, int status, string name, string message)
    {
        var headers = response.Headers.Concat(response.Content.Headers).Select(header => KeyValuePair.Create(header.Key, string.Join(",", header.Value)));
        new HttpAnswer((int)response.StatusCode, [.. headers], await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).AssertError(status, name, message);
    }
}
