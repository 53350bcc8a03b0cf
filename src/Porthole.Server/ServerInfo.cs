using System.Text;
using System.Text.Json;
using Porthole.Server.Store;

namespace Porthole.Server;

/// <summary>
/// What a running server leaves in its data directory for <c>porthole env</c> and the client commands: server.json says where it listens,
/// credentials is an AWS shared-credentials file. Both are readable by their owner only.
/// </summary>
/// <param name="ProcessId">The server's process.</param>
/// <param name="Endpoints">Where it listens, as http://HOST:PORT.</param>
/// <param name="Region">Region of its ARNs.</param>
/// <param name="AccountId">Account of its ARNs.</param>
/// <param name="DefaultRuntimeArn">The runtime that every server has.</param>
public sealed record ServerInfo(int ProcessId, IReadOnlyList<string> Endpoints, string Region, string AccountId, string DefaultRuntimeArn)
{
    private const string JsonName = "server.json", CredentialsName = "credentials";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>The certificate of the data directory's own authority, when clients need it; null otherwise.</summary>
    public string? CertificateAuthority { get; init; }

    /// <summary>That certificate together with those that the system trusts.</summary>
    public string? CertificateBundle { get; init; }

    /// <summary>What clients elsewhere call the server, when that is none of the endpoints.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>Full path of the credentials file.</summary>
    public string CredentialsPath { get; private init; } = "";

    /// <summary>Reads what the last server of a data directory left; null when there never was one.</summary>
    /// <param name="dataDirectory">Path of the directory.</param>
    /// <exception cref="DataDirectoryException">It belongs to somebody else.</exception>
    public static ServerInfo? Read(string dataDirectory)
    {
        try
        {
            var info = JsonSerializer.Deserialize<ServerInfo>(File.ReadAllBytes(Path.Combine(dataDirectory, JsonName)), Json);
            return info is null ? null : info with { CredentialsPath = Path.GetFullPath(Path.Combine(dataDirectory, CredentialsName)) };
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or JsonException)
        {
            throw new DataDirectoryException($"The data directory {dataDirectory} cannot be read: {e.Message} Run this as the user that the server runs as.", e);
        }
    }

    /// <summary>The variables that point the official clients and the porthole command at the server.</summary>
    public IReadOnlyDictionary<string, string> ToEnvironment()
    {
        var endpoint = PublicUrl ?? Endpoints[0];
        var variables = new Dictionary<string, string>
        {
            ["AWS_REGION"] = Region,

            // boto3, and the AWS CLI of Debian, read only this one.
            ["AWS_DEFAULT_REGION"] = Region,
            ["AWS_SHARED_CREDENTIALS_FILE"] = CredentialsPath,
            ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"] = endpoint,
            ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL"] = endpoint,
            ["BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT"] = endpoint,
            ["PORTHOLE_ENDPOINT"] = endpoint,
            ["PORTHOLE_RUNTIME_ARN"] = DefaultRuntimeArn,
        };
        if (CertificateAuthority is null || CertificateBundle is null)
            return variables;

        // Node adds a file to what it trusts; the others take one instead of it.
        variables["NODE_EXTRA_CA_CERTS"] = CertificateAuthority;
        variables["AWS_CA_BUNDLE"] = variables["SSL_CERT_FILE"] = CertificateBundle;
        return variables;
    }

    internal void Write(DataDirectory data, AccessKey key)
    {
        WriteCredentials(data, key);
        OwnerFile.Replace(Path.Combine(data.FullPath, JsonName), JsonSerializer.SerializeToUtf8Bytes(
            new { ProcessId, Endpoints, Region, AccountId, DefaultRuntimeArn, PublicUrl, CertificateAuthority, CertificateBundle }, Json));
    }

    internal static void WriteCredentials(DataDirectory data, AccessKey key) => OwnerFile.Replace(Path.Combine(data.FullPath, CredentialsName), Encoding.UTF8.GetBytes(
        $"[default]\naws_access_key_id = {key.AccessKeyId}\naws_secret_access_key = {key.SecretAccessKey}\n"));
}
