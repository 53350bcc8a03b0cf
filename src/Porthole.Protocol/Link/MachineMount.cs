namespace Porthole.Protocol.Link;

/// <summary>A disk of a machine that has a place of its own among the files: the third disk, and those behind it, in their order.</summary>
/// <param name="Target">The place: an absolute path without "..". What is missing of it is made.</param>
/// <param name="IsLasting">Whether it is an ext4 file system, of which the directory <see cref="DataName"/> is shown, to be written; otherwise a squashfs.</param>
public sealed record MachineMount(string Target, bool IsLasting)
{
    /// <summary>In storage that outlives machines, the directory that is shown; beside it is what the file system needs for itself.</summary>
    public const string DataName = "data";

    internal void Write(LinkWriter writer)
    {
        writer.Text(Target);
        writer.Byte(IsLasting ? (byte)1 : (byte)0);
    }

    internal static MachineMount Read(ref LinkReader reader) => new(reader.Text(), reader.Flag());
}
