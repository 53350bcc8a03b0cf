using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Porthole.Repository.Tests;

/// <summary>A Markdown document with its links and anchors, as GitHub shows it.</summary>
internal sealed class Document(string file)
{
    private static readonly MarkdownPipeline Pipeline =
        new MarkdownPipelineBuilder().UsePipeTables().UseAutoIdentifiers(AutoIdentifierOptions.GitHub).Build();

    private readonly MarkdownDocument _document = Markdown.Parse(Repository.Read(file), Pipeline);

    /// <summary>Targets of links and images, as written.</summary>
    public IEnumerable<string> Links => _document.Descendants<LinkInline>().Select(link => link.Url ?? "");

    /// <summary>What stands between backquotes in a line.</summary>
    public IEnumerable<string> CodeSpans => _document.Descendants<CodeInline>().Select(code => code.Content);

    /// <summary>What a link may name behind '#'.</summary>
    public IEnumerable<string> Anchors => _document.Descendants<HeadingBlock>().Select(heading => heading.GetAttributes().Id ?? "");

    /// <summary>The rows of all tables, cell by cell as plain text.</summary>
    public IEnumerable<IReadOnlyList<string>> TableRows =>
        _document.Descendants<Markdig.Extensions.Tables.TableRow>().Select(row => (IReadOnlyList<string>)[.. row.Descendants<ParagraphBlock>().Select(Text)]);

    private static string Text(ParagraphBlock cell) => string.Concat(cell.Inline!.Descendants().Select(part => part switch
    {
        CodeInline code => code.Content,
        LiteralInline literal => literal.Content.ToString(),
        _ => "",
    }));
}
