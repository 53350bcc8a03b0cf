namespace Porthole.Repository.Tests;

/// <summary>The working copy that these tests were built from, without what builds leave in it.</summary>
internal static class Repository
{
    /// <summary>Its directory.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every file, as a path from the root.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Walk(Root, IgnoredDirectories()).Order(StringComparer.Ordinal)];

    /// <summary>Every Markdown document, as a path from the root.</summary>
    public static IEnumerable<string> Documents => Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal));

    public static string Full(string file) => Path.Combine(Root, file);

    public static string Read(string file) => File.ReadAllText(Full(file));

    /// <summary>Whether a path from the root is a file or directory.</summary>
    public static bool Has(string path) => Path.Exists(Full(path));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Porthole.slnx")))
            directory = directory.Parent ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} is not within the repository");
        return directory.FullName;
    }

    // What .gitignore names is no part of the repository. Only directories, which is all that it has to hide here.
    private static HashSet<string> IgnoredDirectories() =>
        [".git", .. File.ReadLines(Full(".gitignore")).Where(line => line.EndsWith('/')).Select(line => line.Trim('/'))];

    private static IEnumerable<string> Walk(string directory, HashSet<string> ignored)
    {
        foreach (var file in Directory.EnumerateFiles(directory))
            yield return Path.GetRelativePath(Root, file);
        foreach (var inner in Directory.EnumerateDirectories(directory).Where(inner => !ignored.Contains(Path.GetFileName(inner))))
        {
            foreach (var file in Walk(inner, ignored))
                yield return file;
        }
    }
}
