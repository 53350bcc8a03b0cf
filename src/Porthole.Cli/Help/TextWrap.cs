using System.Text;

namespace Porthole.Cli.Help;

/// <summary>Breaks paragraphs into lines.</summary>
internal static class TextWrap
{
    public static string Wrap(string paragraph, int width)
    {
        var text = new StringBuilder();
        var column = 0;
        foreach (var word in paragraph.Split(' '))
        {
            if (column > 0 && column + 1 + word.Length > width)
            {
                text.Append('\n');
                column = 0;
            }

            if (column > 0)
            {
                text.Append(' ');
                column++;
            }

            text.Append(word);
            column += word.Length;
        }

        return text.ToString();
    }
}
