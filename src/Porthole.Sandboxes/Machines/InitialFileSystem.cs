using System.Globalization;
using System.Text;

namespace Porthole.Sandboxes.Machines;

/// <summary>Writes what a kernel unpacks into memory and starts: a cpio archive in the "newc" format (initramfs buffer format, kernel documentation).</summary>
internal sealed class InitialFileSystem(Stream output)
{
    private const int Directory = 0x4000 | 0x1ED, Program = 0x8000 | 0x1ED, Device = 0x2000 | 0x180, Alignment = 4;

    private int _inode;

    /// <summary>Writes the archive of a machine: the guest as first process, and the modules in the order in which they are loaded.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="guest">The guest program, static.</param>
    /// <param name="modules">Files of modules.</param>
    public static void Write(string path, string guest, IReadOnlyList<string> modules)
    {
        using var file = File.Create(path);
        var archive = new InitialFileSystem(file);
        foreach (var directory in (string[])["dev", "modules"])
            archive.Entry(directory, Directory, [], 0, 0);

        // The first process is started with the console as its descriptors, and before anything is mounted.
        const int consoleMajor = 5, consoleMinor = 1;
        archive.Entry("dev/console", Device, [], consoleMajor, consoleMinor);
        archive.Entry("init", Program, File.ReadAllBytes(guest), 0, 0);
        for (var i = 0; i < modules.Count; i++)
            archive.Entry($"modules/{i:D2}-{Path.GetFileName(modules[i])}", Program, File.ReadAllBytes(modules[i]), 0, 0);
        archive.Entry("TRAILER!!!", 0, [], 0, 0);
    }

    private void Entry(string name, int mode, byte[] content, int major, int minor)
    {
        var header = new StringBuilder("070701");
        foreach (var field in (int[])[++_inode, mode, 0, 0, 1, 0, content.Length, 0, 0, major, minor, name.Length + 1, 0])
            header.Append(field.ToString("X8", CultureInfo.InvariantCulture));
        output.Write(Encoding.ASCII.GetBytes($"{header}{name}\0"));
        Pad();
        output.Write(content);
        Pad();
    }

    private void Pad()
    {
        while (output.Position % Alignment != 0)
            output.WriteByte(0);
    }
}
