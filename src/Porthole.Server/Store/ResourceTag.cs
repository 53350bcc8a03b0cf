namespace Porthole.Server.Store;

/// <summary>A tag of a runtime or an endpoint.</summary>
public sealed class ResourceTag
{
    /// <summary>What is tagged.</summary>
    public required string ResourceArn { get; init; }

    /// <summary>The tag's key.</summary>
    public required string Key { get; init; }

    /// <summary>The tag's value.</summary>
    public required string Value { get; set; }
}
