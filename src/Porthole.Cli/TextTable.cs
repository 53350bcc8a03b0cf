using Spectre.Console;

namespace Porthole.Cli;

/// <summary>A table for people, on the standard output.</summary>
internal static class TextTable
{
    // Ids are there to be copied: the table grows beyond the window instead of cutting them. Ten shells with ids of the largest size fit.
    private const int Width = 4096;

    public static void Print(IReadOnlyList<string> titles, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table().Border(TableBorder.None).AddColumns(
            [.. titles.Select(static title => new TableColumn(title) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) })]);
        foreach (var row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        console.Profile.Width = Width;
        console.Write(table);
    }

    /// <summary>A name and a value on each line, for one thing that has many of them; those without a value are left out.</summary>
    public static void PrintFields(IEnumerable<(string Name, string? Value)> fields)
    {
        var there = fields.Where(static field => field.Value is { Length: > 0 }).ToArray();
        var width = there.Max(static field => field.Name.Length) + 2;
        foreach (var (name, value) in there)
            Terminal.StandardStream.Write(Terminal.StandardStream.Output, $"{name.PadRight(width)}{value}\n");
    }

    /// <summary>How long ago something was.</summary>
    public static string Age(DateTimeOffset since)
    {
        var age = DateTimeOffset.UtcNow - since;
        return age switch
        {
            { TotalMinutes: < 1 } => $"{Math.Max(0, age.TotalSeconds):0} s",
            { TotalHours: < 1 } => $"{age.TotalMinutes:0} min",
            { TotalDays: < 2 } => $"{(int)age.TotalHours} h {age.Minutes} min",
            _ => $"{(int)age.TotalDays} d",
        };
    }
}
