using System.Text.Json;
using Porthole.Server.Store;

namespace Porthole.Server;

/// <summary>
/// What a running server leaves in its data directory for <c>porthole env</c> and the client commands: where it listens, and the access key
/// as an AWS shared-credentials file. Both are readable by their owner only.
/// </summary>
internal static class ServerFiles
{
    public const string ServerJson = "server.json", Credentials = "credentials";

    public static void Write(DataDirectory data, ServerOptions options, IReadOnlyList<string> endpoints, AgentRuntime runtime, AccessKey key)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(new
        {
            pid = Environment.ProcessId,
            endpoints,
            region = options.Region,
            accountId = options.AccountId,
            defaultRuntimeArn = runtime.Arn.ToString(),
        });
        Replace(Path.Combine(data.FullPath, ServerJson), json);
        Replace(Path.Combine(data.FullPath, Credentials), System.Text.Encoding.UTF8.GetBytes(
            $"[default]\naws_access_key_id = {key.AccessKeyId}\naws_secret_access_key = {key.SecretAccessKey}\n"));
    }

    // Written beside and renamed: a reader sees the old file or the new one, never half of one.
    private static void Replace(string path, byte[] content)
    {
        var draft = path + ".new";
        File.Delete(draft);
        var open = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var file = new FileStream(draft, open))
            file.Write(content);
        File.Move(draft, path, overwrite: true);
    }
}
