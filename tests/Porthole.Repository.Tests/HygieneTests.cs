using System.Text.RegularExpressions;

namespace Porthole.Repository.Tests;

/// <summary>What must not get into the repository, or must keep its form there.</summary>
public sealed partial class HygieneTests
{
    // A migration's snapshot is generated, a lock file or picture is not written by people.
    private static readonly string[] Texts = [".cs", ".md", ".csproj", ".props", ".slnx", ".json", ".js", ".mjs", ".ts", ".c", ".pl", ".txt", ".yml", ".service", ".svg", ""];

    private static IEnumerable<string> TextFiles => Repository.Files.Where(file => Texts.Contains(Path.GetExtension(file)));

    [Fact]
    public void No_file_names_a_place_on_a_developers_machine()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var places =
            from file in TextFiles
            let text = Repository.Read(file)
            from place in MachinePath().Matches(text).Select(match => match.Value).Concat(Own(text, Repository.Root)).Concat(home.Count(c => c == '/') > 1 ? Own(text, home) : [])
            select $"{file}: {place}";
        Assert.Empty(places);
    }

    [Fact]
    public void Scripts_can_be_run()
    {
        var scripts = Repository.Files.Where(file => TextFiles.Contains(file) && Path.GetExtension(file).Length == 0 && Repository.Read(file).StartsWith("#!", StringComparison.Ordinal));
        Assert.All(scripts, script => Assert.True(File.GetUnixFileMode(Repository.Full(script)).HasFlag(UnixFileMode.UserExecute), script));
    }

    [Fact]
    public void The_changelog_keeps_its_form()
    {
        var lines = Repository.Read("CHANGELOG.md").Split('\n');
        Assert.All(lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)), line => Assert.Matches(VersionHeading(), line));
        Assert.All(lines.Where(line => line.StartsWith("### ", StringComparison.Ordinal)), line => Assert.Matches("^### (Added|Changed|Deprecated|Removed|Fixed|Security)$", line));
        Assert.Contains(lines, line => line.StartsWith("## [Unreleased]", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Own(string text, string place) => text.Contains(place, StringComparison.Ordinal) ? [place] : [];

    [GeneratedRegex(@"(?<![\w./])/(home|Users)/\w+/[\w./-]*|\b[A-Z]:\\Users\\")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"^## \[(Unreleased|\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d)\]?$")]
    private static partial Regex VersionHeading();
}
