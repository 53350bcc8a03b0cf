using System.Buffers.Binary;
using FsCheck.Xunit;
using Porthole.Protocol.WebSockets;

namespace Porthole.Protocol.Tests.WebSockets;

public sealed class WebSocketFrameFollowerTests
{
    [Property(MaxTest = 500)]
    public void However_the_bytes_are_cut_the_same_frames_are_seen(ushort[] lengths, bool masked, byte cut)
    {
        var frames = lengths.Select((length, index) => Frame((byte)(index % 3 == 0 ? 0x89 : 0x82), length % (index % 3 == 0 ? 126 : 70_000), masked)).ToArray();
        var ends = frames.Aggregate(new List<int> { 0 }, (all, frame) => [.. all, all[^1] + frame.Length]);
        var stream = frames.SelectMany(frame => frame).ToArray();
        var follower = new WebSocketFrameFollower(70_000);
        for (var (at, step) = (0, (cut * 37) + 1); at < stream.Length; at += step)
        {
            var part = stream.AsSpan(at, Math.Min(step, stream.Length - at));
            var (from, to) = (at, at + part.Length);
            var last = ends.Where(end => end > from && end <= to).DefaultIfEmpty(from).Max();
            Assert.Equal(last - from, follower.Follow(part));
            Assert.Equal(ends.Contains(to), follower.IsBetweenFrames);
        }

        Assert.Equal(frames.Where((_, index) => index % 3 != 0).Count(), follower.MessageFrames);
        Assert.False(follower.IsClosed);
    }

    [Fact]
    public void A_close_frame_is_seen_with_its_header()
    {
        var follower = new WebSocketFrameFollower(125);
        Assert.Equal(0, follower.Follow(WebSocketFrame.Close(1000, "bye").AsSpan(0, 2)));
        Assert.True(follower.IsClosed);
        Assert.False(follower.IsBetweenFrames);
    }

    [Theory]
    [InlineData(65_536, true)]
    [InlineData(65_537, false)]
    [InlineData(long.MaxValue, false)]
    [InlineData(-1, false)]
    public void A_frame_is_refused_on_the_header_that_says_it_is_too_long(long length, bool allowed)
    {
        var header = new byte[10];
        (header[0], header[1]) = (0x82, 127);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(2), length);
        var follower = new WebSocketFrameFollower(65_536);
        if (allowed)
            Assert.Equal(0, follower.Follow(header));
        else
            Assert.Equal(WebSocketProtocolException.TooBig, Assert.Throws<WebSocketProtocolException>(() => follower.Follow(header)).CloseCode);
    }

    private static byte[] Frame(byte first, int length, bool masked)
    {
        var mask = (byte)(masked ? 0x80 : 0);
        byte[] head = length < 126 ? [first, (byte)(mask | length)]
            : length <= ushort.MaxValue ? [first, (byte)(mask | 126), (byte)(length >> 8), (byte)length]
            : [first, (byte)(mask | 127), 0, 0, 0, 0, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length];
        return [.. head, .. new byte[masked ? 4 : 0], .. new byte[length]];
    }
}
