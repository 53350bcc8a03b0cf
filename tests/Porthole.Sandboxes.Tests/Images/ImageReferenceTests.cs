using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>What names an image, and what does not.</summary>
public sealed class ImageReferenceTests
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("host", "host", ImageSource.Host, null)]
    [InlineData("debian", "docker.io/library/debian:latest", ImageSource.Registry, "docker.io")]
    [InlineData("debian:12", "docker.io/library/debian:12", ImageSource.Registry, "docker.io")]
    [InlineData("team/agent", "docker.io/team/agent:latest", ImageSource.Registry, "docker.io")]
    [InlineData("localhost/agent:1", "localhost/agent:1", ImageSource.Registry, "localhost")]
    [InlineData("127.0.0.1:5000/a/b/c:v1.2", "127.0.0.1:5000/a/b/c:v1.2", ImageSource.Registry, "127.0.0.1:5000")]
    [InlineData("[::1]:5000/a", "[::1]:5000/a:latest", ImageSource.Registry, "[::1]:5000")]
    [InlineData("docker://registry.example/a", "registry.example/a:latest", ImageSource.Registry, "registry.example")]
    [InlineData("123456789012.dkr.ecr.us-east-1.amazonaws.com/agent:latest", "123456789012.dkr.ecr.us-east-1.amazonaws.com/agent:latest", ImageSource.Registry, "123456789012.dkr.ecr.us-east-1.amazonaws.com")]
    [InlineData("registry.example/a@" + Digest, "registry.example/a@" + Digest, ImageSource.Registry, "registry.example")]
    [InlineData("registry.example/a:tag@" + Digest, "registry.example/a@" + Digest, ImageSource.Registry, "registry.example")]
    [InlineData("oci:/srv/layout:tag", "oci:/srv/layout:tag", ImageSource.Local, null)]
    [InlineData("oci-archive:/srv/a.tar", "oci-archive:/srv/a.tar", ImageSource.Local, null)]
    [InlineData("docker-archive:/srv/a.tar:name:tag", "docker-archive:/srv/a.tar:name:tag", ImageSource.Local, null)]
    public void A_reference_is_read_as_container_tools_read_it(string text, string full, ImageSource source, string? registry)
    {
        var reference = ImageReference.Parse(text);
        Assert.Equal((full, source, registry), (reference.Text, reference.Source, reference.Registry));
    }

    [Theory]
    [InlineData("")]
    [InlineData("registry.example/Agent")]
    [InlineData("registry.example/a//b")]
    [InlineData("registry.example/a:tag with space")]
    [InlineData("registry.example/a@sha256:short")]
    [InlineData("registry.example/a@md5:0123456789abcdef0123456789abcdef")]
    [InlineData("oci:relative/path")]
    [InlineData("oci:")]
    [InlineData("docker-archive:/srv/a\nb.tar")]
    [InlineData("docker-daemon:agent:1")]
    [InlineData("dir:/etc")]
    [InlineData("http://registry.example/a")]
    [InlineData("--help")]
    [InlineData("registry.example/../a")]
    public void What_is_no_reference_is_refused_with_what_is_allowed(string text)
    {
        var failure = Assert.Throws<ImageException>(() => ImageReference.Parse(text));
        Assert.Contains("oci-archive:/", failure.Message);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("localhost:5000", true)]
    [InlineData("127.0.0.1:5000", true)]
    [InlineData("[::1]:5000", true)]
    [InlineData("127.0.0.1.example", false)]
    [InlineData("localhost.example:5000", false)]
    [InlineData("10.0.0.1:5000", false)]
    public void Only_loopback_needs_no_tls(string registry, bool loopback) => Assert.Equal(loopback, Registry.IsLoopback(registry));
}
