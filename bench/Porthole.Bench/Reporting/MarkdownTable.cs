using System.Text;

namespace Porthole.Bench.Reporting;

/// <summary>A table that reads well both on a terminal and rendered.</summary>
internal sealed class MarkdownTable(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        var widths = headings.Select((heading, column) => Math.Max(3, _rows.Select(row => row[column].Length).Append(heading.Length).Max())).ToArray();
        var text = new StringBuilder();
        Line(text, headings, widths);
        // The first column holds names, the others numbers.
        Line(text, [.. widths.Select((width, column) => column == 0 ? new string('-', width) : new string('-', width - 1) + ":")], widths);
        _rows.ForEach(row => Line(text, row, widths));
        return text.ToString();
    }

    private static void Line(StringBuilder text, string[] cells, int[] widths)
    {
        for (var column = 0; column < cells.Length; column++)
            text.Append("| ").Append(column == 0 ? cells[column].PadRight(widths[column]) : cells[column].PadLeft(widths[column])).Append(' ');
        text.Append("|\n");
    }
}
