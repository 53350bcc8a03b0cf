using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Porthole.Protocol.Aws;

namespace Porthole.Protocol.Tests.Aws;

public class EventStreamTests
{
    // Both were decoded by botocore.
    private const string StartHex =
        "0000006e0000004ba22e8e5d0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d74797065"
        + "0700106170706c69636174696f6e2f6a736f6e7b22636f6e74656e745374617274223a7b7d7d1ff311ca";

    private const string StopHex =
        "0000008e0000004b8afa49820d3a6d6573736167652d747970650700056576656e740b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d74797065"
        + "0700106170706c69636174696f6e2f6a736f6e7b22636f6e74656e7453746f70223a7b2265786974436f6465223a302c22737461747573223a22434f4d504c45544544227d7d73b1f79c";

    [Theory]
    [InlineData("""{"contentStart":{}}""", StartHex)]
    [InlineData("""{"contentStop":{"exitCode":0,"status":"COMPLETED"}}""", StopHex)]
    public void A_chunk_is_written_as_the_official_decoder_reads_it(string json, string hex)
    {
        var output = new ArrayBufferWriter<byte>();
        EventStream.WriteChunk(output, Encoding.UTF8.GetBytes(json));
        Assert.Equal(hex, Convert.ToHexStringLower(output.WrittenSpan));

        var buffer = new ReadOnlySequence<byte>(output.WrittenMemory);
        Assert.True(EventStreamReader.TryRead(ref buffer, out var message));
        Assert.Equal(("event", "chunk"), (message.MessageType, message.EventType));
        Assert.Equal(json, Encoding.UTF8.GetString(message.Payload.Span));
        Assert.True(buffer.IsEmpty);
    }

    [Fact]
    public void An_exception_is_named_in_lower_camel_case()
    {
        var output = new ArrayBufferWriter<byte>();
        EventStream.WriteException(output, AwsError.CannotParse("what?"));
        var buffer = new ReadOnlySequence<byte>(output.WrittenMemory);
        Assert.True(EventStreamReader.TryRead(ref buffer, out var message));
        Assert.Equal(("exception", "validationException"), (message.MessageType, message.ExceptionType));
        Assert.Equal("""{"message":"what?"}""", Encoding.UTF8.GetString(message.Payload.Span));
    }

    [Property]
    public void Messages_come_back_whole_however_the_bytes_are_cut(byte[][] payloads, PositiveInt cut)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var payload in payloads) EventStream.WriteChunk(output, payload ?? []);

        var read = new List<byte[]>();
        var arrived = 0;
        var buffer = ReadOnlySequence<byte>.Empty;
        while (arrived < output.WrittenCount)
        {
            arrived = Math.Min(arrived + cut.Get, output.WrittenCount);
            var taken = read.Sum(p => p.Length + StartLengthWithoutPayload);
            buffer = new ReadOnlySequence<byte>(output.WrittenMemory[taken..arrived]);
            while (EventStreamReader.TryRead(ref buffer, out var message)) read.Add(message.Payload.ToArray());
        }

        Assert.True(buffer.IsEmpty);
        Assert.Equal(payloads.Select(p => p ?? []), read);
    }

    [Property(MaxTest = 2000)]
    public void A_changed_byte_is_noticed(NonNegativeInt position, byte change)
    {
        var bytes = Convert.FromHexString(StopHex);
        var at = position.Get % bytes.Length;
        if (change == 0) return;
        bytes[at] ^= change;
        Assert.Throws<InvalidDataException>(() => Read(bytes));
    }

    [Property(MaxTest = 2000)]
    public void Bytes_that_are_no_message_are_waited_for_or_refused(byte[] noise)
    {
        try
        {
            Read(noise);
        }
        catch (InvalidDataException)
        {
            // The one way in which a stream is refused.
        }
    }

    [Fact]
    public void Headers_of_every_type_are_read_over()
    {
        // name "a" with each type that the encoding knows, then a text header.
        byte[] headers = [
            1, (byte)'a', 0, 1, (byte)'b', 1, 1, (byte)'c', 2, 9, 1, (byte)'d', 3, 0, 1, 1, (byte)'e', 4, 0, 0, 0, 1,
            1, (byte)'f', 5, 0, 0, 0, 0, 0, 0, 0, 1, 1, (byte)'g', 6, 0, 2, 1, 2, 1, (byte)'h', 8, 0, 0, 0, 0, 0, 0, 0, 1,
            1, (byte)'i', 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'j', 7, 0, 2, (byte)'o', (byte)'k'];
        Assert.True(Read(Message(headers), out var message));
        Assert.Equal([new("j", "ok")], message!.Headers);
    }

    [Theory]
    [InlineData(new byte[] { 1, (byte)'a' })]
    [InlineData(new byte[] { 5, (byte)'a' })]
    [InlineData(new byte[] { 1, (byte)'a', 7, 255, 255 })]
    [InlineData(new byte[] { 1, (byte)'a', 99 })]
    public void Headers_that_lie_about_themselves_are_refused(byte[] headers) =>
        Assert.Throws<InvalidDataException>(() => Read(Message(headers)));

    [Fact]
    public void A_message_above_the_bound_is_refused_before_it_arrives()
    {
        var prelude = new byte[12];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(prelude, EventStreamReader.MaxMessageBytes + 1);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(8), System.IO.Hashing.Crc32.HashToUInt32(prelude.AsSpan(0, 8)));
        Assert.Throws<InvalidDataException>(() => Read(prelude));
    }

    [Fact]
    public void A_header_that_does_not_fit_is_refused()
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.Throws<ArgumentException>(() => EventStream.Write(output, [new(new string('n', 256), "")], default));
        Assert.Throws<ArgumentException>(() => EventStream.Write(output, [new("n", new string('v', 32_768))], default));
        Assert.Throws<ArgumentException>(() => EventStream.Write(output, [new("", "")], default));
    }

    private static int StartLengthWithoutPayload => (StartHex.Length / 2) - """{"contentStart":{}}""".Length;

    private static bool Read(byte[] bytes) => Read(bytes, out _);

    private static bool Read(byte[] bytes, out EventStreamMessage? message)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        return EventStreamReader.TryRead(ref buffer, out message);
    }

    private static byte[] Message(byte[] headers)
    {
        var bytes = new byte[headers.Length + EventStream.Overhead];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), headers.Length);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), System.IO.Hashing.Crc32.HashToUInt32(bytes.AsSpan(0, 8)));
        headers.CopyTo(bytes, 12);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(^4..), System.IO.Hashing.Crc32.HashToUInt32(bytes.AsSpan(..^4)));
        return bytes;
    }
}
