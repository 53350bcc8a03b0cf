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
    public IReadOnlyDictionary<string, string> ToEnvironment() => new Dictionary<string, string>
    {
        ["AWS_REGION"] = Region,
        ["AWS_SHARED_CREDENTIALS_FILE"] = CredentialsPath,
        ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"] = Endpoints[0],
        ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL"] = Endpoints[0],
        ["BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT"] = Endpoints[0],
        ["PORTHOLE_ENDPOINT"] = Endpoints[0],
        ["PORTHOLE_RUNTIME_ARN"] = DefaultRuntimeArn,
    };

    internal void Write(DataDirectory data, AccessKey key)
    {
        WriteCredentials(data, key);
        Replace(Path.Combine(data.FullPath, JsonName), JsonSerializer.SerializeToUtf8Bytes(
            new { ProcessId, Endpoints, Region, AccountId, DefaultRuntimeArn }, Json));
    }

    internal static void WriteCredentials(DataDirectory data, AccessKey key) => Replace(Path.Combine(data.FullPath, CredentialsName), Encoding.UTF8.GetBytes(
        $"[default]\naws_access_key_id = {key.AccessKeyId}\naws_secret_access_key = {key.SecretAccessKey}\n"));

    // Written beside and renamed: a reader sees the old file or the new one, never half of one.
    private static void Replace(string path, byte[] content)
    {
        var draft = path + ".new";
        File.Delete(draft);
        var open = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var file = new FileStream(draft, open))
            file.Write(content);
        File.Move(draft, path, overwrite: true);
    }
}
