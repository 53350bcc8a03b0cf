using System.Text.RegularExpressions;

namespace Porthole.Repository.Tests;

/// <summary>What documents name must be there.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents => [.. Repository.Documents];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_leads_to_a_file_of_the_repository_and_to_a_heading_in_it(string file)
    {
        var broken = new Document(file).Links.Where(link => !IsElsewhere(link) && !Resolves(file, link));
        Assert.Empty(broken);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_path_in_backquotes_exists(string file)
    {
        var missing = new Document(file).CodeSpans.Where(span => RepositoryPath().IsMatch(span) && !Repository.Has(span));
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_document_that_a_source_file_names_exists()
    {
        var sources = Repository.Files.Where(file => !file.EndsWith(".md", StringComparison.Ordinal) && !file.StartsWith("docs/images/", StringComparison.Ordinal));
        var missing =
            from file in sources
            from Match named in DocumentName().Matches(Repository.Read(file))
            where !Repository.Has(named.Value)
            select $"{file}: {named.Value}";
        Assert.Empty(missing);
    }

    private static bool IsElsewhere(string link) => link.StartsWith("https://", StringComparison.Ordinal) || link.StartsWith("mailto:", StringComparison.Ordinal);

    private static bool Resolves(string file, string link)
    {
        var parts = link.Split('#', 2);
        var target = parts[0].Length == 0 ? file : Path.GetRelativePath(Repository.Root, Repository.Full(Path.Combine(Path.GetDirectoryName(file)!, parts[0])));
        if (target.StartsWith("..", StringComparison.Ordinal) || !Repository.Has(target))
            return false;
        return parts.Length == 1 || (target.EndsWith(".md", StringComparison.Ordinal) && new Document(target).Anchors.Contains(parts[1]));
    }

    [GeneratedRegex(@"^(src|tests|bench|scripts|docs|packaging|samples|web)/[\w./-]*$")]
    private static partial Regex RepositoryPath();

    // docs/performance.md is what the benchmark writes.
    [GeneratedRegex(@"\bdocs/(?!performance\.md)[\w/-]+\.md\b")]
    private static partial Regex DocumentName();
}
