using System.Text;
using Porthole.Client;

namespace Porthole.Cli;

/// <summary>An access key as a profile of the credentials file that every AWS tool shares.</summary>
internal static class CredentialsProfile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static string Text(string profile, AccessKeyDescription key) =>
        $"[{profile}]\naws_access_key_id = {key.AccessKeyId}\naws_secret_access_key = {key.SecretAccessKey}\n";

    /// <summary>Checks, before a key is made for it, that a file can take a profile.</summary>
    /// <exception cref="CommandFailedException">It has such a profile already, or cannot be written.</exception>
    public static void Check(string path, string profile) => Access(path, () =>
    {
        using var file = Open(path);
        using var reader = new StreamReader(file);
        if (reader.ReadToEnd().Split('\n').Any(line => line.Trim() == $"[{profile}]"))
            throw new CommandFailedException($"{path} has a profile '{profile}' already. Give another --name or another file.");
    });

    /// <summary>Adds a profile at the end of a file, which is made for its owner alone when it is not there.</summary>
    /// <exception cref="CommandFailedException">It cannot be written; the message has what should have been.</exception>
    public static void Append(string path, string profile, AccessKeyDescription key) => Access(path, () =>
    {
        using var file = Open(path);
        file.Seek(0, SeekOrigin.End);
        file.Write(Encoding.UTF8.GetBytes((file.Length > 0 ? "\n" : "") + Text(profile, key)));
    });

    private static FileStream Open(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, UnixCreateMode = OwnerOnly });

    private static void Access(string path, Action access)
    {
        try
        {
            access();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"The credentials file {path} cannot be written: {e.Message}");
        }
    }
}
