using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Server.Audit;
using Porthole.Server.Auth;
using Porthole.Server.Store;
using Porthole.Server.Shells;
using Porthole.Server.Tests.Store;

namespace Porthole.Server.Tests.Audit;

/// <summary>Calls become lines, and what happens to the lines when the disk refuses them.</summary>
public sealed class AuditTrailTests : IDisposable
{
    private const string Arn = "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/sandbox-abcdefghij";

    private readonly TemporaryDirectory _temporary = new();
    private readonly RecordingLogger<AuditTrail> _logger = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_call_is_a_line_with_the_names_of_CloudTrail()
    {
        var line = Assert.Single(await RecordAsync(call =>
        {
            call.Operation = "InvokeAgentRuntimeCommand";
            call.Caller = new AccessKeyCaller(new AccessKey { AccessKeyId = "AKIDEXAMPLE", SecretAccessKey = "s", CreatedAt = default }, null, [], false);
            call.ResourceArn = Arn;
            call.SessionId = "session";
            call.RequestParameters["timeout"] = 300;
            call.ResponseElements["exitCode"] = 7;
        }));
        Assert.Equal("InvokeAgentRuntimeCommand", line.GetProperty("eventName").GetString());
        Assert.Equal("AwsApiCall", line.GetProperty("eventType").GetString());
        Assert.Equal("us-east-1", line.GetProperty("awsRegion").GetString());
        Assert.Equal("000000000000", line.GetProperty("recipientAccountId").GetString());
        Assert.Equal("203.0.113.9", line.GetProperty("sourceIPAddress").GetString());
        Assert.Equal("client/1.0", line.GetProperty("userAgent").GetString());
        Assert.Equal("request-1", line.GetProperty("requestID").GetString());
        Assert.Equal("AKIDEXAMPLE", line.GetProperty("userIdentity").GetProperty("accessKeyId").GetString());
        Assert.Equal(Arn, line.GetProperty("resources")[0].GetProperty("ARN").GetString());
        Assert.Equal("session", line.GetProperty("requestParameters").GetProperty("runtimeSessionId").GetString());
        Assert.Equal(300, line.GetProperty("requestParameters").GetProperty("timeout").GetInt32());
        Assert.Equal(7, line.GetProperty("responseElements").GetProperty("exitCode").GetInt32());
        Assert.Equal(200, line.GetProperty("additionalEventData").GetProperty("httpStatus").GetInt32());
        Assert.False(line.TryGetProperty("errorCode", out _));
    }

    [Fact]
    public async Task A_refused_call_has_its_error_and_nobody_who_is_proven()
    {
        var line = Assert.Single(await RecordAsync(call =>
        {
            call.Operation = "StopRuntimeSession";
            call.Fail(AwsError.AccessDenied("no"));
            call.Fail(AwsError.Internal("a consequence"));
        }));
        Assert.Equal("AccessDeniedException", line.GetProperty("errorCode").GetString());
        Assert.Equal("no", line.GetProperty("errorMessage").GetString());
        Assert.Equal("Unknown", line.GetProperty("userIdentity").GetProperty("type").GetString());
    }

    [Fact]
    public async Task What_a_stranger_makes_long_is_cut_but_not_a_command_that_was_asked_for()
    {
        var lines = await RecordAsync(call =>
        {
            call.Operation = "GetAgentRuntime";
            call.ResourceArn = new string('r', 60_000);
            call.RequestParameters["agentRuntimeId"] = new string('i', 60_000);
            call.RequestParameters[AuditLine.CommandText] = new string('c', 60_000);
            call.Fail(AwsError.AccessDenied(new string('m', 60_000)));
        });
        Assert.InRange(Assert.Single(lines).GetRawText().Length, 60_000, 65_000);
    }

    [Fact]
    public async Task A_request_that_is_no_operation_has_no_line() => Assert.Empty(await RecordAsync(_ => { }));

    [Fact]
    public async Task The_end_of_a_shell_connection_has_the_request_id_of_its_beginning()
    {
        await using (var trail = Trail())
        {
            var call = Call(_ => { });
            call.Operation = "InvokeAgentRuntimeCommandShell";
            call.ShellId = "shell";
            trail.AddEnd(call, new ShellConnectionEnd(ConnectionEnd.Dropped, 1006, "nothing heard", 3, 4, false));
        }

        var line = Assert.Single(Lines());
        Assert.Equal("CommandShellDisconnected", line.GetProperty("eventName").GetString());
        Assert.Equal("request-1", line.GetProperty("requestID").GetString());
        Assert.Equal("shell", line.GetProperty("requestParameters").GetProperty("shellId").GetString());
        var details = line.GetProperty("serviceEventDetails");
        Assert.Equal(("Dropped", 1006, 3, 4),
            (details.GetProperty("end").GetString(), details.GetProperty("closeCode").GetInt32(), details.GetProperty("bytesIn").GetInt32(), details.GetProperty("bytesOut").GetInt32()));
    }

    [Fact]
    public async Task A_trail_that_is_switched_off_writes_nothing()
    {
        await using (var trail = Trail(new AuditOptions { Enabled = false }))
            Answer(trail);
        Assert.False(Directory.Exists(Path.Combine(_temporary.Path, "audit")));
    }

    [Fact]
    public async Task While_the_disk_is_full_lines_wait_and_beyond_the_bound_they_are_counted()
    {
        using var disk = new SmallDisk();
        Assert.SkipUnless(disk.IsMounted, "mounting a small file system needs root");
        var data = DataDirectory.Create(disk.Path);
        Directory.CreateDirectory(data.AuditPath);
        disk.Fill();
        await using (var trail = new AuditTrail(Options(new AuditOptions { MaxFileBytes = 300_000, MaxTotalBytes = 700_000 }), data, TimeProvider.System, _logger))
        {
            Answer(trail);
            await _logger.WaitForAsync("cannot be written");

            // None of these waits for the disk: they are over long before it has room.
            for (var i = 0; i < 1000; i++) Answer(trail, new string('x', 16 * 1024));
            Assert.Contains(_logger.Lines, line => line.Contains("are lost", StringComparison.Ordinal));
            disk.MakeRoom();
            await _logger.WaitForAsync("again");
            await _logger.WaitForAsync("lines of the audit trail were lost");
        }

        Assert.NotEmpty(Lines(disk.Path));
    }

    private async Task<List<JsonElement>> RecordAsync(Action<ApiCall> fill)
    {
        await using (var trail = Trail())
        {
            await new ApiCalls(trail, TimeProvider.System).InvokeAsync(Request(), context =>
            {
                fill(ApiCall.Of(context));
                return Task.CompletedTask;
            });
        }

        return Lines();
    }

    private static void Answer(AuditTrail trail, string userAgent = "client/1.0")
    {
        var call = Call(trail.Add, userAgent);
        call.Operation = "StopRuntimeSession";
        call.RequestParameters[AuditLine.CommandText] = userAgent;
        call.Answered(200);
    }

    private static ApiCall Call(Action<ApiCall> answered, string userAgent = "client/1.0") => new(Request(userAgent), TimeProvider.System, answered);

    private static DefaultHttpContext Request(string userAgent = "client/1.0")
    {
        var context = new DefaultHttpContext { TraceIdentifier = "request-1" };
        context.Connection.RemoteIpAddress = System.Net.IPAddress.Parse("203.0.113.9");
        context.Request.Headers.UserAgent = userAgent;
        return context;
    }

    private AuditTrail Trail(AuditOptions? options = null) =>
        new(Options(options ?? new AuditOptions()), DataDirectory.Create(_temporary.Path), TimeProvider.System, _logger);

    private ServerOptions Options(AuditOptions audit) => new() { DataDirectory = _temporary.Path, Audit = audit };

    private List<JsonElement> Lines(string? directory = null) =>
        [.. AuditFiles.List(Path.Combine(directory ?? _temporary.Path, "audit")).SelectMany(File.ReadLines).Select(line => JsonDocument.Parse(line).RootElement)];
}
