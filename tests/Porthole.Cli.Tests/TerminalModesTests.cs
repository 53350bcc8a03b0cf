using System.Text;
using FsCheck.Xunit;
using Porthole.Cli.Terminal;

namespace Porthole.Cli.Tests;

public sealed class TerminalModesTests
{
    [Theory]
    [InlineData("plain text", "")]
    [InlineData("\u001b[?2004h", "\u001b[?2004l")]
    [InlineData("\u001b[?2004h\u001b[?2004l", "")]
    [InlineData("\u001b[?1;1000h", "\u001b[?1l\u001b[?1000l")]
    [InlineData("\u001b[?2004h\u001b[?1049h", "\u001b[?1049l\u001b[?2004l")]
    [InlineData("\u001b[?25l", "\u001b[?25h")]
    [InlineData("\u001b=", "\u001b>")]
    [InlineData("\u001b[>1u\u001b[>5u\u001b[<u", "\u001b[<1u")]
    [InlineData("\u001b[?1049h\u001bc", "")]
    [InlineData("\u001b[?1049h\u001b\u001b[?1049l", "")]
    [InlineData("\u001b[?12;9999999999999h\u001b[38;5;1m\u001b[?h", "")]
    public void What_is_left_switched_on_is_switched_off(string output, string reset) => Assert.Equal(reset, Reset(output, output.Length));

    [Property]
    public bool It_does_not_matter_how_output_is_cut(byte[] noise, byte cut)
    {
        var output = $"{Encoding.Latin1.GetString(noise)}\u001b[?1049h\u001b[?1006h~\u001b[?25l{Encoding.Latin1.GetString(noise)}";
        return Reset(output, output.Length) == Reset(output, (cut % 7) + 1);
    }

    private static string Reset(string output, int cut)
    {
        var modes = new TerminalModes();
        foreach (var piece in Encoding.Latin1.GetBytes(output).Chunk(Math.Max(1, cut))) modes.Watch(piece);
        return modes.Reset();
    }
}
