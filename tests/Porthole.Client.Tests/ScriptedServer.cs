using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;

namespace Porthole.Client.Tests;

/// <summary>A server on loopback that does what a test tells it, one request at a time.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    public const string RuntimeArn = "arn:aws:bedrock-agentcore:eu-test-1:123456789012:runtime/sandbox-abcdefghij";

    public static readonly SigV4Credentials Key = new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/+=");

    private readonly WebApplication _application;
    private readonly ConcurrentBag<ScriptedRequest> _all = [];
    private readonly Channel<ScriptedRequest> _requests = Channel.CreateUnbounded<ScriptedRequest>();

    private ScriptedServer(WebApplication application)
    {
        _application = application;
        application.UseWebSockets();
        application.Run(TakeAsync);
    }

    public Uri Endpoint { get; private set; } = null!;

    public static async Task<ScriptedServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ScriptedServer(builder.Build());
        await server._application.StartAsync();
        var addresses = server._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        server.Endpoint = new Uri(addresses.Addresses.Single());
        return server;
    }

    public AgentCoreClient Client(TimeProvider? time = null, ClientAuthentication? authentication = null) => new(new AgentCoreClientOptions
    {
        Endpoint = Endpoint,
        Authentication = authentication ?? ClientAuthentication.AccessKey(Key),
        TimeProvider = time ?? TimeProvider.System,
    });

    /// <summary>The next request; the test answers it.</summary>
    public async Task<ScriptedRequest> NextAsync() => await _requests.Reader.ReadAsync().AsTask().Within("a request");

    public bool HasRequest => _requests.Reader.TryPeek(out _);

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.Complete();
        foreach (var request in _all) request.Abort();
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        var request = new ScriptedRequest(context);
        _all.Add(request);
        if (_requests.Writer.TryWrite(request)) await request.Done;
    }
}
