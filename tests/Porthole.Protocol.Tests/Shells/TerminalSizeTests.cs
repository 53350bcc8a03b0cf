using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Porthole.Protocol.Shells;

namespace Porthole.Protocol.Tests.Shells;

public class TerminalSizeTests
{
    [Theory]
    [InlineData("""{"width":80,"height":24}""", 80, 24)]
    [InlineData(""" { "height" : 1 , "x":{"width":[7]}, "width" : 1000 } """, 1000, 1)]
    public void A_size_in_range_is_read(string json, int columns, int rows)
    {
        Assert.True(TerminalSize.TryParse(Encoding.UTF8.GetBytes(json), out var size));
        Assert.Equal(new TerminalSize(columns, rows), size);
    }

    [Theory]
    [InlineData("")]
    [InlineData("80x24")]
    [InlineData("[80,24]")]
    [InlineData("""{"width":80}""")]
    [InlineData("""{"width":0,"height":0}""")]
    [InlineData("""{"width":65535,"height":65535}""")]
    [InlineData("""{"width":1001,"height":24}""")]
    [InlineData("""{"width":80,"height":-24}""")]
    [InlineData("""{"width":80.5,"height":24}""")]
    [InlineData("""{"width":"80","height":"24"}""")]
    [InlineData("""{"width":99999999999999999999,"height":24}""")]
    [InlineData("""{"width":80,"height":24""")]
    [InlineData("""{"width":80,"height":24}{}""")]
    [InlineData("""{"width":null,"height":24}""")]
    public void Anything_else_is_refused(string json) => Assert.False(TerminalSize.TryParse(Encoding.UTF8.GetBytes(json), out _));

    [Property]
    public void What_is_written_reads_back(PositiveInt columns, PositiveInt rows)
    {
        var size = new TerminalSize(1 + (columns.Get % 1000), 1 + (rows.Get % 1000));
        var output = new ArrayBufferWriter<byte>();
        size.WriteTo(output);
        Assert.True(TerminalSize.TryParse(output.WrittenSpan, out var parsed));
        Assert.Equal(size, parsed);
    }

    [Property(MaxTest = 3000)]
    public void Any_bytes_are_read_in_range_or_refused(NonNegativeInt position, byte replacement, byte[] noise)
    {
        var bytes = """{"width":80,"height":24}"""u8.ToArray();
        bytes[position.Get % bytes.Length] = replacement;
        foreach (var payload in new[] { noise, bytes })
        {
            if (TerminalSize.TryParse(payload, out var size)) Assert.True(size.IsValid);
        }
    }
}
