using Porthole.Protocol.Aws;

namespace Porthole.Client;

/// <summary>The credentials file that every AWS tool shares: sections in brackets, one <c>name = value</c> a line.</summary>
public static class SharedCredentialsFile
{
    /// <summary>Reads one profile's access key.</summary>
    /// <param name="path">The file.</param>
    /// <param name="profile">The section's name.</param>
    /// <exception cref="AgentCoreException">The file cannot be read, or the profile has no complete access key in it.</exception>
    public static SigV4Credentials Read(string path, string profile = "default")
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentCoreException($"The credentials file {path} cannot be read: {e.Message}", e);
        }

        return Find(lines, profile)
            ?? throw new AgentCoreException($"The credentials file {path} has no aws_access_key_id and aws_secret_access_key for the profile '{profile}'.");
    }

    private static SigV4Credentials? Find(string[] lines, string profile)
    {
        string? id = null, secret = null, token = null;
        var inProfile = false;
        foreach (var raw in lines)
        {
            var line = raw.AsSpan().Trim();
            if (line.IsEmpty || line[0] is '#' or ';') continue;
            if (line[0] == '[')
            {
                inProfile = line[^1] == ']' && line[1..^1].Trim().SequenceEqual(profile);
                continue;
            }

            var equals = line.IndexOf('=');
            if (!inProfile || equals < 0) continue;
            var value = line[(equals + 1)..].Trim().ToString();
            switch (line[..equals].Trim())
            {
                case "aws_access_key_id": id = value; break;
                case "aws_secret_access_key": secret = value; break;
                case "aws_session_token": token = value; break;
            }
        }

        return string.IsNullOrEmpty(id) || string.IsNullOrEmpty(secret) ? null : new SigV4Credentials(id, secret, string.IsNullOrEmpty(token) ? null : token);
    }
}
