namespace Porthole.Client.Tests.Shells;

/// <summary>An attached shell and the server's end of it.</summary>
internal sealed class ShellPair : IAsyncDisposable
{
    private readonly AgentCoreClient _client;

    private ShellPair(ScriptedServer listener, AgentCoreClient client, ShellConnection shell, ScriptedShell server) =>
        (Listener, _client, Shell, Server) = (listener, client, shell, server);

    public ScriptedServer Listener { get; }

    public ShellConnection Shell { get; }

    public ScriptedShell Server { get; }

    public static async Task<ShellPair> OpenAsync(ShellOptions? options = null, TimeProvider? time = null, long? inputOffset = null)
    {
        var listener = await ScriptedServer.StartAsync();
        var client = listener.Client(time);
        var opening = client.OpenShellAsync(ScriptedServer.RuntimeArn, options);
        var server = await (await listener.NextAsync()).AttachAsync(inputOffset: inputOffset);
        return new ShellPair(listener, client, await opening.Within("the attach"), server);
    }

    public async ValueTask DisposeAsync()
    {
        await Shell.DisposeAsync();
        _client.Dispose();
        await Listener.DisposeAsync();
    }
}
