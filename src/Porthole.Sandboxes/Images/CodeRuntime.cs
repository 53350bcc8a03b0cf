namespace Porthole.Sandboxes.Images;

/// <summary>What runs a package of code: an interpreter of the host.</summary>
public enum CodeRuntime
{
    /// <summary>Python, of the version that the host has.</summary>
    Python,

    /// <summary>Node.js, of the version that the host has.</summary>
    Node,
}
