using System.Text.RegularExpressions;

namespace Porthole.Repository.Tests;

/// <summary>A metric that nobody moves, or that no document explains, tells nobody anything.</summary>
public sealed partial class MetricTests
{
    private static readonly string Instruments = Repository.Read("src/Porthole.Server/Telemetry/Instruments.cs");

    private static readonly string Sources = string.Concat(
        Repository.Files.Where(file => file.StartsWith("src/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal)).Select(Repository.Read));

    public static TheoryData<string> Moved => [.. MovedInstrument().Matches(Instruments).Select(match => match.Groups[1].Value)];

    [Theory]
    [MemberData(nameof(Moved))]
    public void Every_metric_is_moved_somewhere(string instrument) => Assert.Matches($@"Instruments\.{instrument}\.(Add|Record)\(", Sources);

    [Fact]
    public void The_metrics_of_the_document_are_those_of_the_sources()
    {
        var described = new Document("docs/telemetry.md").TableRows.Select(row => row[0]).Where(name => name.StartsWith("porthole.", StringComparison.Ordinal));
        Assert.Equal(MetricName().Matches(Sources).Select(match => match.Groups[1].Value).Order(), described.Order());
    }

    [GeneratedRegex(@"(?:Histogram|Counter)<\w+> (\w+) \{ get; \}")]
    private static partial Regex MovedInstrument();

    [GeneratedRegex(@"\.Create\w+(?:<\w+>)?\(""(porthole[\w.]+)""")]
    private static partial Regex MetricName();
}
