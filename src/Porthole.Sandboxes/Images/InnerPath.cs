namespace Porthole.Sandboxes.Images;

/// <summary>Paths in an image's root directory, as those inside see them: links lead to places in the image and nowhere else.</summary>
internal static class InnerPath
{
    // MAXSYMLINKS of the kernel (path_resolution(7)).
    private const int MostLinks = 40;

    /// <summary>Whether there is a file for those inside.</summary>
    public static bool Exists(string root, string path)
    {
        var waiting = new Stack<string>(Parts(path));
        var current = root;
        for (var links = 0; waiting.TryPop(out var name);)
        {
            if (name == "..")
            {
                current = current == root ? root : Path.GetDirectoryName(current)!;
                continue;
            }

            var next = Path.Combine(current, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                current = next;
                continue;
            }

            if (++links > MostLinks)
                return false;
            if (target.StartsWith('/'))
                current = root;
            foreach (var part in Parts(target))
                waiting.Push(part);
        }

        return File.Exists(current);
    }

    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(static part => part != ".").Reverse();
}
