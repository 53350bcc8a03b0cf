using System.Security.Cryptography.X509Certificates;
using Porthole.Client;
using Porthole.Protocol.Aws;
using Porthole.Server;
using Porthole.Server.Store;

namespace Porthole.Cli;

/// <summary>The server that a client command talks to.</summary>
/// <param name="Client">Asks it.</param>
/// <param name="DefaultRuntimeArn">The runtime to use when none is named; null when nothing says so.</param>
/// <param name="Arguments">What to put on a command line so that it means the same server again.</param>
internal sealed record Target(AgentCoreClient Client, string? DefaultRuntimeArn, IReadOnlyList<string> Arguments) : IDisposable
{
    private static readonly string[] EndpointVariables = ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT", "PORTHOLE_ENDPOINT"];

    /// <summary>The server of a data directory. Its address is looked up for every connection: a server that starts again may get another port.</summary>
    public static Target OfDataDirectory(string path, IReadOnlyList<string> arguments)
    {
        var info = Running(path);
        var client = new AgentCoreClient(new AgentCoreClientOptions
        {
            FindEndpoint = () => new Uri(Read(path).Endpoints[0]),
            Region = info.Region,
            Authentication = ClientAuthentication.AccessKey(() => SharedCredentialsFile.Read(info.CredentialsPath)),
            ConfigureConnections = connections => TrustAuthority(connections, info.CertificateAuthority),
        });
        return new Target(client, info.DefaultRuntimeArn, arguments);
    }

    /// <summary>The server that the environment names, with the environment's keys.</summary>
    public static Target OfEnvironment() => new(new AgentCoreClient(), Variable("PORTHOLE_RUNTIME_ARN"), []);

    /// <summary>A server by its address, with the environment's keys.</summary>
    public static Target OfEndpoint(string endpoint)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new CommandFailedException($"'{endpoint}' is no http:// or https:// address.");
        return new Target(new AgentCoreClient(new AgentCoreClientOptions { Endpoint = uri }), Variable("PORTHOLE_RUNTIME_ARN"), ["--endpoint", endpoint]);
    }

    /// <summary>Whether the environment names a server.</summary>
    public static bool IsInEnvironment => EndpointVariables.Any(name => Variable(name) is not null);

    /// <summary>The ARN of a runtime given by name, id or ARN, or not at all. The server is asked when it is none that is known here.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public async Task<string> FindRuntimeArnAsync(string? nameOrArn, CancellationToken cancellation)
    {
        if (nameOrArn is null)
        {
            return DefaultRuntimeArn
                ?? throw new CommandFailedException("Which runtime? Give its name or ARN with --runtime, or its ARN in PORTHOLE_RUNTIME_ARN.");
        }

        if (RuntimeArn.TryParse(nameOrArn, out _)) return nameOrArn;
        if (DefaultRuntimeArn is { } known && RuntimeArn.TryParse(known, out var arn) && (arn.Id == nameOrArn || NameOf(arn.Id) == nameOrArn)) return known;
        await foreach (var runtime in Client.ListRuntimesAsync(cancellation))
        {
            if (runtime.AgentRuntimeName == nameOrArn || runtime.AgentRuntimeId == nameOrArn) return runtime.AgentRuntimeArn;
        }

        throw new CommandFailedException($"There is no runtime '{nameOrArn}'. 'porthole runtime list' shows those that there are.");
    }

    /// <summary>The id of a runtime given by name, id or ARN, or not at all.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public async Task<string> FindRuntimeIdAsync(string? nameOrArn, CancellationToken cancellation) =>
        RuntimeArn.TryParse(await FindRuntimeArnAsync(nameOrArn, cancellation), out var arn)
            ? arn.Id
            : throw new CommandFailedException($"PORTHOLE_RUNTIME_ARN is '{DefaultRuntimeArn}', which is no runtime's ARN.");

    public void Dispose() => Client.Dispose();

    // The server of this data directory is known by the directory's own authority and no other.
    private static void TrustAuthority(SocketsHttpHandler connections, string? certificate)
    {
        if (certificate is null) return;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(certificate);
        connections.SslOptions.CertificateChainPolicy = policy;
    }

    // A runtime's id is its name, a dash and ten characters.
    private static string NameOf(string runtimeId) => runtimeId.LastIndexOf('-') is var dash and > 0 ? runtimeId[..dash] : runtimeId;

    private static ServerInfo Running(string path)
    {
        var info = Read(path);
        return DataDirectory.Existing(path).FindServer() is not null
            ? info
            : throw new CommandFailedException($"No server runs on {path} now. Start it with: porthole serve --data-dir {path}");
    }

    private static ServerInfo Read(string path) => ServerInfo.Read(path)
        ?? throw new CommandFailedException($"No server has run on {path} yet. Start one with: porthole serve --data-dir {path}");

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
