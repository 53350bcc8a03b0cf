using System.Xml.Linq;

namespace Porthole.Repository.Tests;

/// <summary>Which project may reference which: the last column of the table of folders in ARCHITECTURE.md.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Posix"] = [],
        ["Protocol"] = [],
        ["Guest"] = ["Posix", "Protocol"],
        ["Launch"] = ["Posix"],
        ["Sandboxes"] = ["Posix", "Protocol"],
        ["Server"] = ["Posix", "Protocol", "Sandboxes"],
        ["Client"] = ["Protocol"],
        ["Cli"] = ["Client", "Server", "Posix", "Protocol", "Sandboxes"],
    };

    private static IEnumerable<string> Projects => Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal));

    public static TheoryData<string> Sources => [.. Projects.Where(file => file.StartsWith("src/", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Sources))]
    public void A_project_references_only_what_lies_below_it(string project)
    {
        Assert.True(Allowed.TryGetValue(NameOf(project), out var allowed), $"{project} has no place in the table of layers yet");
        Assert.Empty(References(project).Select(NameOf).Except(allowed));
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public void No_source_project_references_a_test_or_a_benchmark(string project) =>
        Assert.All(References(project), reference => Assert.StartsWith("../", reference));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = XDocument.Parse(Repository.Read("Porthole.slnx")).Descendants("Project").Select(project => project.Attribute("Path")!.Value);
        Assert.Equal(Projects.Order(), solution.Order());
    }

    [Fact]
    public void Package_versions_stand_in_one_place()
    {
        var versioned =
            from project in Projects
            from package in XDocument.Parse(Repository.Read(project)).Descendants("PackageReference")
            where package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null
            select $"{project}: {package.Attribute("Include")?.Value}";
        Assert.Empty(versioned);
    }

    private static IEnumerable<string> References(string project) =>
        XDocument.Parse(Repository.Read(project)).Descendants("ProjectReference").Select(reference => reference.Attribute("Include")!.Value);

    private static string NameOf(string project) => Path.GetFileNameWithoutExtension(project).Replace("Porthole.", "", StringComparison.Ordinal);
}
