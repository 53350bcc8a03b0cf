using Porthole.Sandboxes;
using Porthole.Sandboxes.Images;
using Porthole.Server.Runtimes;
using Porthole.Server.Sessions;
using Porthole.Server.Store;

namespace Porthole.Server.Images;

/// <summary>The images that runtimes are made of: got when a version is made, found when a session starts, kept while somebody needs them.</summary>
internal sealed class RuntimeImages(ImageStore images, LocalSources sources, PortholeStore store, SessionManager sessions)
{
    /// <summary>Gets what a version is made of. Its digest belongs into <see cref="RuntimeVersion.ImageDigest"/>.</summary>
    /// <exception cref="ImageException">It cannot be had; the message is the version's failure reason.</exception>
    public Task<PreparedImage> PrepareAsync(RuntimeArtifact artifact, IProgress<ImageProgress>? progress, CancellationToken cancellationToken)
    {
        if (artifact.CodeConfiguration is { } code)
            return images.PrepareAsync(sources.ParseCode(code), progress, cancellationToken);
        var uri = artifact.ContainerConfiguration?.ContainerUri ?? throw new ImageException("containerConfiguration.containerUri is missing");
        return images.PrepareAsync(sources.ParseImage(uri), progress, cancellationToken);
    }

    /// <summary>What a session of a version is made of.</summary>
    /// <exception cref="SandboxException">It is not there any more.</exception>
    public static PreparedImage Find(ImageStore images, RuntimeVersion version) => version.ImageDigest is null
        ? PreparedImage.Host
        : images.Find(version.ImageDigest)
            ?? throw new SandboxException($"The image {version.ImageDigest} of version {version.Version} is not on this server any more: update the runtime to get it again.");

    /// <summary>Digests that must not be removed: those of every runtime's versions, and of the sessions that live.</summary>
    public async Task<IReadOnlySet<string>> NeededAsync(CancellationToken cancellationToken) =>
        (await store.ReadImageDigestsAsync(cancellationToken))
            .Concat(sessions.List().Select(static session => session.Deployment.Version.ImageDigest))
            .OfType<string>().ToHashSet();
}
