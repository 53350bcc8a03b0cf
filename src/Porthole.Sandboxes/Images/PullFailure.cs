namespace Porthole.Sandboxes.Images;

/// <summary>Turns what the tools say of a failure into what a person can do about it.</summary>
internal static class PullFailure
{
    // Words of skopeo(1) and umoci(1) as of Debian 12, and of the registries behind them.
    private static readonly (string[] Words, Func<ImageReference, string> Advice)[] Known =
    [
        (["Digest did not match", "digest mismatch", "corrupt input", "unexpected EOF", "invalid checksum", "diffid"],
            _ => "a layer is not what the image's manifest says it is: it is damaged or was tampered with, push the image again"),
        (["server gave HTTP response to HTTPS client", "certificate"],
            image => $"{image.Registry} does not speak TLS that this server trusts: give it a trusted certificate, or list it under insecureRegistries in the settings"),
        (["unauthorized", "authentication required", "denied", "no basic auth credentials"],
            image => $"{image.Registry} wants other credentials, or the image does not exist: porthole image login {image.Registry}"),
        (["manifest unknown", "name unknown", "not found", "NotFound"], image => $"{image.Registry} has no such image: check its name and tag"),
        (["no image found", "no matching"], _ => "there is no image for this host's system and processor under that name"),
        (["connection refused", "no such host", "i/o timeout", "network is unreachable", "connection reset", "EOF"],
            image => $"{image.Registry} cannot be reached: check the name, and the server's way to it"),
        (["no such file or directory"], _ => "the file does not exist on the server's machine"),
        (["unsupported layer media type", "unknown layer media type", "zstd"], _ => "its layers are compressed in a way that cannot be unpacked here: build it with gzip layers"),
    ];

    /// <summary>The failure of an image's preparation.</summary>
    /// <param name="image">Which image.</param>
    /// <param name="said">What the tool printed.</param>
    public static ImageException Explain(ImageReference image, string said)
    {
        var reason = Reason(said);
        if (reason.Contains("no space left on device", StringComparison.Ordinal))
            return new DiskFullException($"{image}: the server's disk is full: free space there, or remove images with porthole image prune ({reason})");
        var advice = Known.FirstOrDefault(known => known.Words.Any(word => reason.Contains(word, StringComparison.Ordinal))).Advice;
        return new ImageException(advice is null ? $"{image}: {reason}" : $"{image}: {advice(image)} ({reason})");
    }

    // skopeo's last line is: time="…" level=fatal msg="…", with quotes inside escaped.
    private static string Reason(string said)
    {
        const string start = "msg=\"";
        var message = said.LastIndexOf("level=fatal " + start, StringComparison.Ordinal);
        if (message < 0)
            return said.Trim(' ', ';');
        message += "level=fatal ".Length + start.Length;
        return said[message..].TrimEnd(' ', ';').TrimEnd('"').Replace("\\\"", "\"", StringComparison.Ordinal);
    }
}
