using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Auth;

/// <summary>A store with the key of the vectors, a clock at their time, and an authenticator of their region.</summary>
public sealed class AuthFixture : IAsyncLifetime
{
    internal const string Region = "us-west-2";
    internal const string Path = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-west-2%3A123456789012%3Aruntime%2Fmy_agent-abcdefghij/ws/shells";
    internal const string Query = "shellId=sh-1&qualifier=DEFAULT";
    internal const string SessionHeader = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

    internal static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    internal static readonly SigV4Credentials Credentials = new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

    private readonly TemporaryDirectory _temporary = new();
    private DataDirectoryLock? _held;

    internal PortholeStore Store { get; private set; } = null!;

    internal ManualTime Time { get; } = new(Now);

    internal string StorePath => _held!.Directory.StorePath;

    public async ValueTask InitializeAsync()
    {
        _held = DataDirectory.Create(_temporary.Path).Lock();
        Store = await PortholeStore.OpenAsync(_held, Time, NullLogger<PortholeStore>.Instance);
        AddKey(Credentials.AccessKeyId, Credentials.SecretAccessKey);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _held!.Dispose();
        SqliteConnection.ClearAllPools();
        _temporary.Dispose();
    }

    internal SigV4Authenticator NewAuthenticator(TimeProvider? time = null) =>
        new(new AccessKeyCache(Store, time ?? Time, NullLogger<AccessKeyCache>.Instance), Region, time ?? Time);

    internal void AddKey(string id, string secret, string? policy = null)
    {
        using var db = StoreContextFactory.For(StorePath).CreateDbContext();
        db.AccessKeys.Add(new AccessKey { AccessKeyId = id, SecretAccessKey = secret, CreatedAt = Now, Policy = policy });
        db.SaveChanges();
    }

    internal void SetResourcePolicy(string arn, string policy)
    {
        using var db = StoreContextFactory.For(StorePath).CreateDbContext();
        db.ResourcePolicies.Add(new ResourcePolicy { ResourceArn = arn, Policy = policy });
        db.SaveChanges();
    }

    internal void RemoveKey(string id)
    {
        using var db = StoreContextFactory.For(StorePath).CreateDbContext();
        db.AccessKeys.Remove(db.AccessKeys.Single(key => key.AccessKeyId == id));
        db.SaveChanges();
    }

    /// <summary>A request as the server sees it, not signed yet.</summary>
    internal static DefaultHttpContext Request(string host = "localhost:8443", string query = Query, params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = $"{Path}?{query}";
        context.Request.Method = "GET";
        context.Request.Headers.Host = host;
        context.Connection.LocalPort = 8443;
        context.Response.Body = new MemoryStream();
        foreach (var (name, value) in headers) context.Request.Headers.Append(name, value);
        return context;
    }

    /// <summary>Signs as a client that knows the server under a host.</summary>
    internal static DefaultHttpContext Signed(string wireHost = "localhost:8443", string signedHost = "localhost:8443", SigV4Signer? signer = null, DateTimeOffset? at = null)
    {
        var session = (SessionHeader, new string('s', 36));
        var context = Request(wireHost, Query, session);
        Assert.True(RawTarget.TryRead(context, out var target, out _));
        var request = new SigV4Request("GET", target, [new("host", signedHost), new(session.Item1, session.Item2)]);
        foreach (var (name, value) in (signer ?? new SigV4Signer(Credentials, Region)).SignHeaders(request, SigV4.EmptySha256, at ?? Now))
            context.Request.Headers[name] = value;
        return context;
    }
}
