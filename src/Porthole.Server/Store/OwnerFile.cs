namespace Porthole.Server.Store;

/// <summary>Files that only the server's user may read.</summary>
internal static class OwnerFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a file anew: beside it and renamed, so that a reader sees the old one or the new one, never half of one.</summary>
    internal static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var draft = path + ".new";
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
            file.Write(content);
        File.Move(draft, path, overwrite: true);
    }
}
