using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Posix;

namespace Porthole.EndToEnd.Tests;

/// <summary>https, with an authority of the data directory's own and with given files. That nothing is lost over it, <see cref="SurvivalTests"/> say.</summary>
public sealed class TlsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static async Task<SslStream> ConnectAsync(int port, string name, string authority)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, Cancellation);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(authority);
        var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name, CertificateChainPolicy = policy }, Cancellation);
        return tls;
    }

    private static Task<(int ExitCode, string Output, string Errors)> ExecAsync(TestServer server, string session, params IEnumerable<string> command) =>
        PortholeProgram.RunAsync(null, ["exec", "--data-dir", server.DataDirectory, "--session-id", session, "--", .. command]);

    private static async Task<string> AskAsync(SslStream tls, string request)
    {
        await tls.WriteAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        return await new StreamReader(tls).ReadToEndAsync(Cancellation);
    }

    [Fact]
    public async Task The_own_command_line_needs_no_word_about_it()
    {
        await using var server = await TestServer.StartAsync(scheme: "https");
        var session = ShellClient.NewSessionId();
        var bulk = await ExecAsync(server, session, "seq", "400000");
        Assert.Equal((0, ""), (bulk.ExitCode, bulk.Errors));
        Assert.EndsWith("\n399999\n400000\n", bulk.Output);
        Assert.Equal(2_688_895, bulk.Output.Length);
        Assert.Equal(0, await server.TerminateAsync());
        await server.StartAgainAsync();
        Assert.Equal("inside again\n", (await ExecAsync(server, session, "echo", "inside", "again")).Output);
    }

    [Fact]
    public async Task The_environment_points_clients_at_the_authority_and_AWSs_own_names_are_on_the_certificate()
    {
        await using var server = await TestServer.StartAsync(scheme: "https");
        var variables = JsonElement.Parse((await server.RunAsync("env", "--format", "json")).Output);
        Assert.Equal($"https://127.0.0.1:{server.Port}", variables.GetProperty("BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT").GetString());
        var authority = variables.GetProperty("NODE_EXTRA_CA_CERTS").GetString()!;
        Assert.Equal(variables.GetProperty("SSL_CERT_FILE").GetString(), variables.GetProperty("AWS_CA_BUNDLE").GetString());
        foreach (var name in new[] { "localhost", "bedrock-agentcore.us-east-1.amazonaws.com", "bedrock-agentcore-control.us-east-1.amazonaws.com" })
        {
            await using var tls = await ConnectAsync(server.Port, name, authority);

            // Two identical Host lines, as the Python SDK sends them (contract section 14).
            Assert.StartsWith("HTTP/1.1 200", await AskAsync(tls, $"GET /healthz HTTP/1.1\r\nHost: {name}\r\nHost: {name}\r\nConnection: close\r\n\r\n"));
        }
    }

    [Fact]
    public async Task A_shell_opens_as_the_Python_SDK_opens_it_on_a_name_of_AWSs()
    {
        await using var server = await TestServer.StartAsync(scheme: "https");
        var host = $"bedrock-agentcore.{server.Region}.amazonaws.com:{server.Port}";
        using var client = await ShellClient.OpenAsync(new Upgrade { Server = server, WireHost = host, MoreHeaders = $"Host: {host}\r\n", SessionHeader = ShellClient.NewSessionId() });
        await client.QuietAsync();
        Assert.Equal("fine\n", await client.RunAsync("echo fine"));
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task Plain_http_is_served_beside_it_and_nonsense_or_silence_on_the_TLS_port_harms_nobody()
    {
        await using var server = await TestServer.StartAsync(scheme: "https", moreListen: "http://127.0.0.1:0");
        using var silent = new TcpClient();
        await silent.ConnectAsync(server.EndPoint, Cancellation);
        using (var noise = new TcpClient())
        {
            await noise.ConnectAsync(server.EndPoint, Cancellation);
            await noise.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Cancellation);
            var answer = await new StreamReader(noise.GetStream(), Encoding.Latin1).ReadToEndAsync(Cancellation);
            Assert.DoesNotContain("HTTP", answer, StringComparison.Ordinal);
        }

        using var info = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(server.DataDirectory, "server.json"), Cancellation));
        var endpoints = info.RootElement.GetProperty("endpoints").EnumerateArray().Select(endpoint => new Uri(endpoint.GetString()!)).ToList();
        Assert.Equal(["https", "http"], endpoints.Select(endpoint => endpoint.Scheme));
        using var plain = new HttpClient();
        Assert.Equal("ok", (await plain.GetStringAsync(new Uri(endpoints[1], "/healthz"), Cancellation)).Trim());
        using var api = new ApiClient(server);
        Assert.Equal("[]", (await api.ListSessionsAsync()).GetRawText());
    }

    [Fact]
    public async Task A_client_that_goes_away_in_the_middle_of_a_record_is_gone_and_its_shell_is_not()
    {
        await using var server = await TestServer.StartAsync(scheme: "https");
        var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        await client.RunAsync("kept=yes");

        // The beginning of a record that never ends, below the client's own TLS.
        await client.Socket.Socket.SendAsync(new byte[] { 23, 3, 3, 1, 0, 7, 7 }, Cancellation);
        client.Socket.Reset();
        using var again = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.True(again.Reconnected);
        Assert.Equal("yes\n", await again.RunAsync("echo $kept"));

        // And garbage where a record belongs.
        await again.Socket.Socket.SendAsync(new byte[] { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 }, Cancellation);
        Assert.True(await again.Socket.IsClosedAsync());
        using var third = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.Equal("yes\n", await third.RunAsync("echo $kept"));
        await third.CloseShellAsync();
    }

    [Fact]
    public async Task Given_files_are_used_and_replaced_ones_are_noticed()
    {
        var directory = Directory.CreateTempSubdirectory("porthole-e2e-tls-").FullName;
        try
        {
            var (certificate, key) = (Path.Combine(directory, "cert.pem"), Path.Combine(directory, "key.pem"));
            WriteSelfSigned(certificate, key);
            await using var server = await TestServer.StartAsync(
                $$"""
                "tls": { "certificate": "{{certificate}}", "key": "{{key}}" }, "publicUrl": "https://given.example"
                """, scheme: "http", moreListen: "https://127.0.0.1:0");
            Assert.False(Directory.Exists(Path.Combine(server.DataDirectory, "tls")));
            await AssertShownAsync(server, certificate);
            var variables = JsonElement.Parse((await server.RunAsync("env", "--format", "json")).Output);
            Assert.Equal("https://given.example", variables.GetProperty("PORTHOLE_ENDPOINT").GetString());
            Assert.False(variables.TryGetProperty("NODE_EXTRA_CA_CERTS", out _));

            WriteSelfSigned(certificate, key);
            _ = Libc.Kill(server.ProcessId, Libc.SIGHUP);
            await server.Log.WaitForAsync("A new certificate is shown");
            await AssertShownAsync(server, certificate);

            // A broken replacement changes nothing but the log.
            await File.WriteAllTextAsync(key, "no key", Cancellation);
            server.MayFail = true;
            _ = Libc.Kill(server.ProcessId, Libc.SIGHUP);
            await server.Log.WaitForAsync("The certificate cannot be renewed");
            await AssertShownAsync(server, certificate);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task What_cannot_be_served_is_refused_in_one_line()
    {
        var directory = Directory.CreateTempSubdirectory("porthole-e2e-tls-").FullName;
        try
        {
            var data = Path.Combine(directory, "data");
            var missing = await PortholeProgram.RunAsync(null, ["serve", "--data-dir", data, "--listen", "https://127.0.0.1:0", "--tls-cert", "/no/such.pem", "--tls-key", "/no/such.key"]);
            Assert.Equal(1, missing.ExitCode);
            Assert.StartsWith("porthole: The certificate /no/such.pem with the key /no/such.key cannot be used: ", missing.Errors);
            Assert.Single(missing.Errors.TrimEnd().Split('\n'));
            var plain = await PortholeProgram.RunAsync(null, ["serve", "--data-dir", data, "--tls", "--listen", "http://127.0.0.1:0"]);
            Assert.Equal((1, "porthole: --tls was given, but no address to listen on begins with https://.\n"), (plain.ExitCode, plain.Errors));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task AssertShownAsync(TestServer server, string authority)
    {
        using var info = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(server.DataDirectory, "server.json"), Cancellation));
        var port = new Uri(info.RootElement.GetProperty("endpoints")[1].GetString()!).Port;
        await using var tls = await ConnectAsync(port, "given.example", authority);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(tls, "GET /healthz HTTP/1.1\r\nHost: given.example\r\nConnection: close\r\n\r\n"));
    }

    private static void WriteSelfSigned(string certificatePath, string keyPath)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=given", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("given.example");
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(certificatePath, made.ExportCertificatePem());
    }
}
