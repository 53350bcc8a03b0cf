using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Shells;
using Porthole.Sandboxes;
using Porthole.Sandboxes.Images;
using Porthole.Server.Agents;
using Porthole.Server.Api;
using Porthole.Server.Audit;
using Porthole.Server.Auth;
using Porthole.Server.Auth.Tokens;
using Porthole.Server.Control;
using Porthole.Server.Images;
using Porthole.Server.Runtimes;
using Porthole.Server.Sessions;
using Porthole.Server.Shells;
using Porthole.Server.Store;
using Porthole.Server.Tls;
using Porthole.Server.Telemetry;
using Porthole.Server.Transport;

namespace Porthole.Server;

/// <summary>A whole server on one host: <c>porthole serve</c>.</summary>
public static class PortholeServer
{
    // Long tokens and the eight-kilobyte baggage header do not fit into the framework's 32 KB (contract section 14).
    private const int MaxRequestHeaderBytes = 64 * 1024;

    private const string LogTimestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>
    /// Serves until cancelled (or SIGTERM, SIGINT, or a shutdown request). Sandboxes stay when the server goes; the next one adopts them.
    /// </summary>
    /// <param name="options">Its settings.</param>
    /// <param name="cancellationToken">Stops it in order: shells get close code 1001.</param>
    /// <exception cref="DataDirectoryException">The data directory cannot be used, or another server uses it.</exception>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    /// <exception cref="ConfigurationException">A setting asks for what this version cannot do.</exception>
    /// <exception cref="SandboxException">This host cannot run sandboxes.</exception>
    public static async Task RunAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!Enum.TryParse<IsolationChoice>(options.Isolation, ignoreCase: true, out _))
            throw new ConfigurationException($"There is no isolation '{options.Isolation}'. Use auto, namespace or microvm.");
        if (options.ListenUrls.FirstOrDefault(url => !ListenAddress.IsValid(url)) is { } wrong)
            throw new ConfigurationException($"'{wrong}' is no address to listen on. Give http://HOST:PORT or https://HOST:PORT.");
        using var held = DataDirectory.Create(options.DataDirectory).Lock();
        held.Directory.ClearSpool();
        var authority = options.ListenUrls.Any(ListenAddress.IsTls) && options.Tls?.Certificate is null ? new PrivateAuthority(held.Directory, TimeProvider.System) : null;
        using var certificate = CertificateOf(options, authority);
        var builder = WebApplication.CreateSlimBuilder();
        AddLogging(builder, options.LogFormat);
        await using var store = await OpenStoreAsync(held, builder, cancellationToken);
        var runtime = await store.EnsureDefaultsAsync(options.AccountId, options.Region, cancellationToken);

        // Until there is a log, warnings wait.
        var warnings = new List<string>();
        Action<string> warn = warnings.Add, report = static _ => { };
        using var driver = await SandboxDriver.CreateAsync(DriverOptions(options, held.Directory.CachePath, text => warn(text)) with { Report = text => report(text) }, cancellationToken);
        using var images = OpenImages(options, held.Directory, text => warn(text));
        AddServices(builder, options, held.Directory, store, driver, images, certificate);
        if (certificate is null)
            builder.WebHost.UseUrls([.. options.ListenUrls]);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxRequestHeaderBytes;
            if (certificate is null)
                return;
            foreach (var url in options.ListenUrls)
                ListenAddress.Listen(kestrel, url);
        });

        await using var app = builder.Build();
        warn = text => ServerLog.Warning(app.Logger, text);
        report = text => ServerLog.Progress(app.Logger, text);
        warnings.ForEach(warn);
        certificate?.LogTo(app.Logger);
        using var telemetry = TelemetryExport.Start(options, app.Logger);
        var sessions = app.Services.GetRequiredService<SessionManager>();
        await sessions.AdoptAsync(cancellationToken);
        app.UseRequestIds();
        app.UseBrowserAccess(options.AllowedOrigins);
        app.Use(app.Services.GetRequiredService<ApiCalls>().InvokeAsync);
        app.Run(app.Services.GetRequiredService<Routes>().HandleAsync);
        app.Lifetime.ApplicationStopping.Register(() => CloseShells(sessions));
        await app.StartAsync(cancellationToken);

        var addresses = app.Services.GetRequiredService<ServerAddresses>();
        new ServerInfo(Environment.ProcessId, addresses.All, options.Region, options.AccountId, runtime.Arn.ToString())
        { CertificateAuthority = authority?.CertificatePath, CertificateBundle = authority?.BundlePath, PublicUrl = options.PublicUrl?.GetLeftPart(UriPartial.Authority) }
            .Write(held.Directory, await store.ReadOperatorKeyAsync(cancellationToken));
        ServerLog.Ready(app.Logger, string.Join(' ', addresses.All), held.Directory.FullPath);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(app.Lifetime.ApplicationStopping, cancellationToken);
        var sweep = UntilStoppedAsync(sessions.SweepAsync(stopping.Token));
        var probe = telemetry is null ? Task.CompletedTask : UntilStoppedAsync(Measure(app.Services, stopping.Token));
        await app.WaitForShutdownAsync(cancellationToken);
        await Task.WhenAll(sweep, probe);
        await store.FlushAsync();
    }

    /// <summary>Ends every session that a server left on a data directory when it went. No server may run on it now.</summary>
    /// <param name="options">Its settings; of them the data directory and where the guest's programs are.</param>
    /// <param name="cancellationToken">Stops looking for sessions; those that are being ended, end.</param>
    /// <returns>How many sessions were running.</returns>
    /// <exception cref="DataDirectoryException">The data directory cannot be used, or a server uses it.</exception>
    /// <exception cref="SandboxException">This host cannot deal with sandboxes.</exception>
    public static async Task<int> EndSessionsAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var held = DataDirectory.Existing(options.DataDirectory).Lock();
        var builder = WebApplication.CreateSlimBuilder();
        AddLogging(builder, options.LogFormat);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        await using var store = await OpenStoreAsync(held, builder, cancellationToken);
        using var driver = await SandboxDriver.CreateAsync(DriverOptions(options, held.Directory.CachePath, static _ => { }), cancellationToken);
        using var images = OpenImages(options, held.Directory, static _ => { });
        AddServices(builder, options, held.Directory, store, driver, images, certificate: null);
        await using var app = builder.Build();
        var sessions = app.Services.GetRequiredService<SessionManager>();
        await sessions.AdoptAsync(cancellationToken);
        var count = sessions.List().Count;
        await sessions.StopAllAsync();
        await store.FlushAsync();
        return count;
    }

    /// <summary>Gets and builds what microVMs are made of. A server may run meanwhile.</summary>
    /// <param name="options">Its settings; of them where things are.</param>
    /// <param name="report">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="DataDirectoryException">The data directory cannot be used.</exception>
    /// <exception cref="SandboxException">Something cannot be had.</exception>
    public static Task SetUpMicroVmsAsync(ServerOptions options, Action<string> report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var data = DataDirectory.Create(options.DataDirectory);
        return MicroVmSetup.RunAsync(DriverOptions(options, data.CachePath, report) with { Report = report }, cancellationToken);
    }

    private static ServerCertificate? CertificateOf(ServerOptions options, PrivateAuthority? authority)
    {
        if (authority is not null)
            return ServerCertificate.Of(authority, CertificateNames.Of(options));
        return options.ListenUrls.Any(ListenAddress.IsTls) ? ServerCertificate.OfFiles(options.Tls!.Certificate!, options.Tls.Key!) : null;
    }

    private static void AddLogging(WebApplicationBuilder builder, string format)
    {
        builder.Logging.ClearProviders();
        if (format == "json")
            builder.Logging.AddJsonConsole(console => (console.UseUtcTimestamp, console.TimestampFormat) = (true, LogTimestamp));
        else
            builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.UseUtcTimestamp, console.TimestampFormat) = (true, true, LogTimestamp + " "));

        // Logs go to stderr: stdout is for what a command was asked for.
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

        // It logs, with a stack trace, the exception that it then throws; whoever called us reports that in one line.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
    }

    private static async Task<PortholeStore> OpenStoreAsync(DataDirectoryLock held, WebApplicationBuilder builder, CancellationToken cancellationToken)
    {
        // The store is there before the application is, and outlives it.
        var logger = builder.Services.BuildServiceProvider().GetRequiredService<ILogger<PortholeStore>>();
        return await PortholeStore.OpenAsync(held, TimeProvider.System, logger, cancellationToken);
    }

    private static ImageStore OpenImages(ServerOptions options, DataDirectory data, Action<string> warn) => ImageStore.Open(new ImageStoreOptions
    {
        Directory = data.ImagesPath,
        CredentialsPath = data.RegistryCredentialsPath,
        InsecureRegistries = options.InsecureRegistries,
        Warn = warn,
    });

    private static void AddServices(
        WebApplicationBuilder builder, ServerOptions options, DataDirectory data, PortholeStore store, SandboxDriver driver, ImageStore images,
        ServerCertificate? certificate)
    {
        var services = builder.Services;
        services.AddSingleton(options).AddSingleton(data).AddSingleton(TimeProvider.System);

        // As instances: the container would dispose of what a factory gave it, and these outlive it.
        services.AddSingleton(store).AddSingleton(driver).AddSingleton(images);
        services.AddSingleton<RelayLoops>().AddSingleton<ServerAddresses>();
        services.AddSingleton(provider => new LoopTransportFactory(provider.GetRequiredService<RelayLoops>().Calm.Events, certificate));
        services.AddSingleton<IConnectionListenerFactory>(static provider => provider.GetRequiredService<LoopTransportFactory>());
        services.AddSingleton<AccessKeyCache>().AddSingleton<Authorizer>().AddSingleton<CallerConnections>();
        services.AddSingleton<TokenValidator>().AddSingleton<BearerAuthenticator>().AddSingleton(_ => new IssuerDocuments());
        services.AddSingleton(provider => new SigV4Authenticator(provider.GetRequiredService<AccessKeyCache>(), options.Region, TimeProvider.System));
        services.AddSingleton<DeploymentLookup>().AddSingleton<SessionStorage>().AddSingleton<AgentFactory>().AddSingleton<SessionManager>().AddSingleton<ShellEndpoint>().AddSingleton<CommandEndpoint>().AddSingleton<StopEndpoint>();
        services.AddSingleton<AgentCalls>().AddSingleton<InvocationEndpoint>().AddSingleton<AgentSocketEndpoint>().AddSingleton<LogsEndpoint>().AddSingleton<SuspensionEndpoints>();
        services.AddSingleton<AdminEndpoints>().AddSingleton<CredentialsEndpoint>().AddSingleton(new LocalSources(data.InboxPath, options.AllowedPaths)).AddSingleton<RuntimeImages>().AddSingleton<ImageEndpoints>().AddSingleton<Routes>();
        services.AddSingleton<ControlRates>().AddSingleton<ControlPlane>().AddSingleton<RuntimeOperations>().AddSingleton<EndpointOperations>().AddSingleton<ResourceOperations>();
        services.AddSingleton<RepeatableChanges>().AddSingleton<PreparationProgress>().AddSingleton<ProgressEndpoint>().AddSingleton<StorageEndpoint>().AddSingleton<RuntimeSettler>();
        services.AddHostedService(static provider => provider.GetRequiredService<RuntimeSettler>());
        services.AddSingleton<AuditTrail>().AddSingleton<ApiCalls>();
        services.AddSingleton<ShellTraffic>().AddSingleton<ServerGauges>();
        services.AddSingleton(options.SandboxLimits ?? HostLimits.Default(data.FullPath));
    }

    internal static SandboxOptions DriverOptions(ServerOptions options, string cacheDirectory, Action<string> warn)
    {
        var programs = options.GuestDirectory ?? Path.Combine(AppContext.BaseDirectory, "guest");
        return new SandboxOptions
        {
            CacheDirectory = cacheDirectory,
            GuestPath = Path.Combine(programs, "porthole-guest"),
            LaunchPath = Path.Combine(programs, "porthole-launch"),
            FirstUserId = options.FirstSessionUid,
            Isolation = Enum.Parse<IsolationChoice>(options.Isolation, ignoreCase: true),
            WarmMicroVms = options.WarmMicroVms,
            MachineDirectory = options.MicroVmDirectory ?? Path.Combine(Path.GetFullPath(options.DataDirectory), "microvm"),
            Warn = warn,
        };
    }

    private static void CloseShells(SessionManager sessions)
    {
        foreach (var connection in sessions.List().SelectMany(session => session.Shells.Connections()))
            connection.Close(ShellCloseCode.ServerRestart, "the server is restarting; the shell goes on: connect again", ConnectionEnd.ServerStopped);
    }

    private static Task Measure(IServiceProvider services, CancellationToken cancellationToken)
    {
        var gauges = services.GetRequiredService<ServerGauges>();
        gauges.Begin();
        return gauges.ProbeAsync(cancellationToken);
    }

    private static async Task UntilStoppedAsync(Task work)
    {
        try
        {
            await work;
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }
}
