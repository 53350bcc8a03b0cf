using System.Collections.Concurrent;
using Porthole.Sandboxes.Images;

namespace Porthole.Server.Runtimes;

/// <summary>How far the images of runtimes on their way are, for whoever wants to watch.</summary>
internal sealed class PreparationProgress
{
    private readonly ConcurrentDictionary<string, ImageProgress> _steps = new();

    /// <summary>The newest step of a runtime's image; null when nothing is under way.</summary>
    public ImageProgress? Of(string runtimeId) => _steps.TryGetValue(runtimeId, out var step) ? step : null;

    /// <summary>Takes the steps of a runtime's image, until it is disposed of.</summary>
    public Steps Begin(string runtimeId) => new(_steps, runtimeId);

    /// <summary>Takes steps.</summary>
    internal sealed class Steps(ConcurrentDictionary<string, ImageProgress> steps, string runtimeId) : IProgress<ImageProgress>, IDisposable
    {
        /// <inheritdoc/>
        public void Report(ImageProgress value) => steps[runtimeId] = value;

        /// <inheritdoc/>
        public void Dispose() => steps.TryRemove(runtimeId, out _);
    }
}
