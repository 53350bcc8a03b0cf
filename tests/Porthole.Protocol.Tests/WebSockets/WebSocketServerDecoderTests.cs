using System.Buffers.Binary;
using FsCheck.Xunit;
using Porthole.Protocol.WebSockets;

namespace Porthole.Protocol.Tests.WebSockets;

public class WebSocketServerDecoderTests
{
    private const int Limit = 65_537;

    [Property(MaxTest = 300)]
    public void Messages_come_out_as_they_were_sent_however_they_are_cut_and_mixed_with_pings(int seed)
    {
        var random = new Random(seed);
        var messages = Enumerable.Range(0, random.Next(1, 6)).Select(_ => Bytes(random, random.Next(0, 3) == 0 ? random.Next(0, 70) : random.Next(0, 3000))).ToList();
        var wire = new List<byte>();
        var pings = 0;
        foreach (var message in messages)
        {
            var cuts = random.Next(1, 4);
            var at = 0;
            for (var cut = 0; cut < cuts; cut++)
            {
                var end = cut == cuts - 1 ? message.Length : random.Next(at, message.Length + 1);
                wire.AddRange(Frame(cut == 0 ? WebSocketOpcode.Binary : WebSocketOpcode.Continuation, cut == cuts - 1, message[at..end], random));
                at = end;
                if (random.Next(3) != 0)
                    continue;
                wire.AddRange(Frame(WebSocketOpcode.Ping, true, [42], random));
                pings++;
            }
        }

        var decoder = new WebSocketServerDecoder(Limit);
        var received = new List<byte[]>();
        var current = new List<byte>();
        var seenPings = 0;
        foreach (var piece in Pieces(wire.ToArray(), random))
        {
            Span<byte> rest = piece;
            WebSocketPart part;
            while ((part = decoder.Next(ref rest, out var data)) != WebSocketPart.NeedMore)
            {
                if (part == WebSocketPart.Ping)
                {
                    Assert.Equal([42], data.ToArray());
                    seenPings++;
                    continue;
                }

                Assert.Equal(WebSocketPart.Message, part);
                Assert.Equal(current.Count == 0 && decoder.IsFirst, decoder.IsFirst);
                current.AddRange(data);
                if (!decoder.IsLast)
                    continue;
                received.Add([.. current]);
                current.Clear();
            }
        }

        Assert.Equal(pings, seenPings);
        Assert.Equal(messages.Count, received.Count);
        Assert.All(messages.Zip(received), pair => Assert.Equal(pair.First, pair.Second));
    }

    [Property(MaxTest = 1000)]
    public void Random_bytes_end_in_a_protocol_error_or_in_asking_for_more(byte[] noise, int seed)
    {
        var decoder = new WebSocketServerDecoder(Limit);
        try
        {
            foreach (var piece in Pieces(noise, new Random(seed)))
            {
                Span<byte> rest = piece;
                while (decoder.Next(ref rest, out _) != WebSocketPart.NeedMore)
                {
                }

                Assert.True(rest.IsEmpty);
            }
        }
        catch (WebSocketProtocolException e)
        {
            Assert.True(e.CloseCode is WebSocketProtocolException.ProtocolError or WebSocketProtocolException.TooBig);
        }
    }

    [Fact]
    public void The_largest_message_is_taken_and_one_byte_more_is_refused_on_its_header_alone()
    {
        var random = new Random(1);
        Span<byte> largest = Frame(WebSocketOpcode.Binary, true, Bytes(random, Limit), random);
        Assert.Equal(WebSocketPart.Message, new WebSocketServerDecoder(Limit).Next(ref largest, out var data));
        Assert.Equal(Limit, data.Length);

        var tooLarge = Frame(WebSocketOpcode.Binary, true, Bytes(random, Limit + 1), random).AsSpan(0, 14).ToArray();
        var refused = Assert.Throws<WebSocketProtocolException>(() => Decode(tooLarge));
        Assert.Equal(WebSocketProtocolException.TooBig, refused.CloseCode);
    }

    [Fact]
    public void Fragments_count_together_against_the_limit()
    {
        var random = new Random(2);
        byte[] wire = [.. Frame(WebSocketOpcode.Binary, false, Bytes(random, Limit), random), .. Frame(WebSocketOpcode.Continuation, true, [1], random)];
        Assert.Equal(WebSocketProtocolException.TooBig, Assert.Throws<WebSocketProtocolException>(() => Decode(wire)).CloseCode);
    }

    [Theory]
    [InlineData("8201FF", "no mask")]
    [InlineData("C28100000000FF", "a reserved bit")]
    [InlineData("838100000000FF", "an unknown type")]
    [InlineData("098000000000", "a fragmented ping")]
    [InlineData("89FE007E00000000", "a ping of 126 bytes")]
    [InlineData("808000000000", "a continuation of nothing")]
    [InlineData("028000000000828000000000", "a message inside a message")]
    public void A_frame_that_the_protocol_forbids_is_refused(string hex, string what)
    {
        var refused = Assert.Throws<WebSocketProtocolException>(() => Decode(Convert.FromHexString(hex)));
        Assert.True(refused.CloseCode == WebSocketProtocolException.ProtocolError, what);
    }

    [Fact]
    public void A_close_frame_may_have_no_code_but_not_half_of_one_or_one_that_is_never_sent()
    {
        Assert.Equal(1005, WebSocketServerDecoder.ReadCloseCode([]));
        Assert.Equal(1000, WebSocketServerDecoder.ReadCloseCode([0x03, 0xE8]));
        Assert.Equal(4000, WebSocketServerDecoder.ReadCloseCode([0x0F, 0xA0, 0x41]));
        foreach (byte[] bad in new byte[][] { [3], [0x03, 0xED], [0x03, 0xEE], [0, 0], [0xFF, 0xFF] })
            Assert.Throws<WebSocketProtocolException>(() => WebSocketServerDecoder.ReadCloseCode(bad));
    }

    private static void Decode(byte[] wire)
    {
        var decoder = new WebSocketServerDecoder(Limit);
        Span<byte> rest = wire;
        while (decoder.Next(ref rest, out _) != WebSocketPart.NeedMore)
        {
        }
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static IEnumerable<byte[]> Pieces(byte[] wire, Random random)
    {
        for (var at = 0; at < wire.Length;)
        {
            var count = Math.Min(wire.Length - at, random.Next(1, random.Next(2) == 0 ? 8 : 2000));
            yield return wire[at..(at + count)];
            at += count;
        }
    }

    private static byte[] Frame(WebSocketOpcode opcode, bool final, byte[] payload, Random random)
    {
        var frame = new List<byte> { (byte)((final ? 0x80 : 0) | (int)opcode) };
        var number = new byte[8];
        if (payload.Length < 126)
        {
            frame.Add((byte)(0x80 | payload.Length));
        }
        else if (payload.Length <= ushort.MaxValue)
        {
            frame.Add(0x80 | 126);
            BinaryPrimitives.WriteUInt16BigEndian(number, (ushort)payload.Length);
            frame.AddRange(number[..2]);
        }
        else
        {
            frame.Add(0x80 | 127);
            BinaryPrimitives.WriteUInt64BigEndian(number, (ulong)payload.Length);
            frame.AddRange(number);
        }

        var mask = Bytes(random, 4);
        frame.AddRange(mask);
        frame.AddRange(payload.Select((value, index) => (byte)(value ^ mask[index % 4])));
        return [.. frame];
    }
}
