using System.Text.RegularExpressions;

namespace Porthole.Sandboxes.Images;

/// <summary>
/// Where an image comes from: the host's own tools, a registry, or files of the server's machine. The same image can have many.
/// </summary>
public sealed partial record ImageReference
{
    // The default registry and its folder of the tools that people know these names from (docker, podman).
    private const string DefaultRegistry = "docker.io", DefaultFolder = "library/", DefaultTag = "latest";

    private const string Allowed =
        "give host, a name such as registry.example/team/agent:tag or …@sha256:…, oci:/directory[:tag], oci-archive:/file.tar[:tag], or docker-archive:/file.tar[:name:tag]";

    // containers-transports(5): local sources and what may stand behind their path.
    private static readonly string[] Archives = ["oci", "oci-archive", "docker-archive"];

    private ImageReference(string text, ImageSource source, string transport, string? registry) =>
        (Text, Source, Transport, Registry) = (text, source, transport, registry);

    /// <summary>The host's own tools.</summary>
    public static ImageReference Host { get; } = new("host", ImageSource.Host, "", null);

    /// <summary>The reference in full, defaults filled in.</summary>
    public string Text { get; }

    /// <summary>Which kind it is.</summary>
    public ImageSource Source { get; }

    /// <summary>HOST or HOST:PORT of the registry; null for the other kinds.</summary>
    public string? Registry { get; }

    /// <summary>The absolute path of an image on the server's machine; null for the other kinds.</summary>
    public string? LocalPath { get; private init; }

    /// <summary>Registry and name without tag and digest; null for the other kinds.</summary>
    internal string? Repository { get; private init; }

    /// <summary>The reference as skopeo(1) takes it.</summary>
    internal string Transport { get; }

    /// <summary>Reads a reference.</summary>
    /// <exception cref="ImageException">It is none; the message says what is allowed.</exception>
    public static ImageReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        if (trimmed == Host.Text)
            return Host;
        var colon = trimmed.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && Archives.Contains(trimmed[..colon]))
            return Local(trimmed, trimmed[(colon + 1)..]);
        return Remote(trimmed.StartsWith("docker://", StringComparison.Ordinal) ? trimmed["docker://".Length..] : trimmed, text);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static ImageReference Local(string text, string path)
    {
        // Relative to what would be the server's working directory, which nobody who writes a reference knows.
        if (!path.StartsWith('/'))
            throw new ImageException($"\"{text}\": the path must be absolute: {Allowed}");
        if (text.Any(char.IsControl))
            throw new ImageException($"\"{text}\" has control characters in its path: {Allowed}");

        // containers-transports(5): the path ends at the first colon.
        return new ImageReference(text, ImageSource.Local, text, null) { LocalPath = path.Split(':')[0] };
    }

    private static ImageReference Remote(string name, string given)
    {
        var match = Name().Match(name);
        if (!match.Success)
            throw new ImageException($"\"{given}\" is no image: {Allowed}");
        var (domain, path, tag, digest) = (match.Groups["domain"].Value, match.Groups["path"].Value, match.Groups["tag"].Value, match.Groups["digest"].Value);

        // A first part without dot and port is a folder of the default registry; "localhost" alone is a host.
        if (domain.Length > 0 && domain != "localhost" && domain.AsSpan().IndexOfAny('.', ':') < 0)
            (domain, path) = ("", $"{domain}/{path}");
        if (domain.Length == 0)
            (domain, path) = (DefaultRegistry, path.Contains('/', StringComparison.Ordinal) ? path : DefaultFolder + path);
        if (!Path().IsMatch(path))
            throw new ImageException($"\"{given}\" is no image: names are lower case letters, digits, and single separators between them; {Allowed}");

        // A digest says more than a tag, and the tools take one of them only.
        var suffix = digest.Length > 0 ? $"@{digest}" : $":{(tag.Length > 0 ? tag : DefaultTag)}";
        return new ImageReference($"{domain}/{path}{suffix}", ImageSource.Registry, $"docker://{domain}/{path}{suffix}", domain) { Repository = $"{domain}/{path}" };
    }

    // The grammar of reference.go in distribution/reference; the path is checked once the domain is known.
    [GeneratedRegex(@"\A(?:(?<domain>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)/)?(?<path>[a-z0-9][a-z0-9._/-]*)(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?\z")]
    private static partial Regex Name();

    [GeneratedRegex(@"\A[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\z")]
    private static partial Regex Path();
}

/// <summary>The kinds of image references.</summary>
public enum ImageSource
{
    /// <summary>The host's own tools.</summary>
    Host,

    /// <summary>A registry.</summary>
    Registry,

    /// <summary>Files of the server's machine.</summary>
    Local,
}
