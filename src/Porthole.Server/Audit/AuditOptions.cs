namespace Porthole.Server;

/// <summary>Settings of the audit trail (docs/audit.md).</summary>
public sealed record AuditOptions
{
    /// <summary>The smallest <see cref="MaxFileBytes"/>: a line with a command of 64 KB, each byte of it escaped as \u00XX, and then some.</summary>
    public const long MinFileBytes = 1024 * 1024;

    /// <summary>Whether calls are written down at all.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Whether the text of a command is part of its line. It may hold secrets, so by default it is not.</summary>
    public bool CommandText { get; init; }

    /// <summary>Size in bytes at which a file is followed by the next one.</summary>
    public long MaxFileBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Size in bytes of all files together; the oldest file goes before it would be exceeded. At least twice <see cref="MaxFileBytes"/>.</summary>
    public long MaxTotalBytes { get; init; } = 1024 * 1024 * 1024;
}
