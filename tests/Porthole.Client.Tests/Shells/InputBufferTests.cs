using FsCheck.Xunit;

namespace Porthole.Client.Tests.Shells;

public sealed class InputBufferTests
{
    [Property(MaxTest = 300)]
    public bool Whatever_is_written_acknowledged_and_lost_the_shell_gets_every_byte_once_and_in_order(int[] seeds)
    {
        var shell = new CountingShell(first: 1_000);
        var input = new InputBuffer();
        input.Start(shell.Accepted);
        var given = new List<byte>();
        foreach (var seed in seeds)
            Step(new Random(seed), input, given, shell);
        Drain(input, shell);
        return shell.Received.SequenceEqual(given);
    }

    [Fact]
    public void Without_a_count_nothing_that_was_written_is_sent_again_and_what_was_not_is()
    {
        var input = new InputBuffer();
        input.Start(null);
        input.Append("written"u8);
        var written = new byte[7];
        input.Take(written);
        input.Append("queued"u8);

        var resume = input.Resume(null);

        var rest = new byte[64];
        Assert.Equal("queued"u8.ToArray(), rest[..input.Take(rest)]);
        Assert.Equal(default, resume);
    }

    [Fact]
    public void When_somebody_else_typed_meanwhile_nothing_is_sent_twice()
    {
        var input = new InputBuffer();
        input.Start(10);
        input.Append("mine"u8);
        input.Take(new byte[4]);

        var resume = input.Resume(10 + 4 + 100);

        Assert.Equal(default, resume);
        Assert.Equal(0, input.Unwritten);
        input.Append("more"u8);
        Assert.Equal(4, input.Take(new byte[8]));
        Assert.Equal(2, input.Resume(10 + 4 + 100 + 2).Resent);
    }

    [Fact]
    public void A_count_that_began_anew_is_not_answered_with_old_input()
    {
        var input = new InputBuffer();
        input.Start(5_000);
        input.Append("rm -rf x\n"u8);
        input.Take(new byte[9]);

        Assert.Equal(default, input.Resume(0));
        Assert.Equal(0, input.Unwritten);
    }

    [Fact]
    public void A_new_shell_gets_nothing_that_was_meant_for_the_old_one()
    {
        var input = new InputBuffer();
        input.Start(0);
        input.Append("exit\nls"u8);
        input.Take(new byte[5]);

        var resume = input.Restart(0);

        Assert.Equal(new InputResume(0, 2), resume);
        Assert.Equal(0, input.Unwritten);
        input.Append("pwd"u8);
        var next = new byte[8];
        Assert.Equal("pwd"u8.ToArray(), next[..input.Take(next)]);
    }

    [Fact]
    public void A_server_that_forgot_acknowledged_input_gets_what_is_still_held_and_the_rest_is_reported_lost()
    {
        var input = new InputBuffer();
        input.Start(0);
        var typed = new byte[10_000];
        Random.Shared.NextBytes(typed);
        foreach (var piece in typed.Chunk(1_000))
        {
            input.Append(piece);
            input.Take(new byte[1_000]);
            input.Acknowledge(input.Written);
        }

        var resume = input.Resume(1_000);

        Assert.Equal(9_000, resume.Resent + resume.Lost);
        Assert.True(resume.Resent >= 2_000, $"only {resume.Resent} bytes were still held");
        var again = new byte[10_000];
        Assert.Equal(typed[^(int)resume.Resent..], again[..input.Take(again)]);
    }

    [Fact]
    public void Room_ends_at_the_capacity_and_comes_back_with_acknowledgements()
    {
        var input = new InputBuffer();
        input.Start(0);
        Assert.Equal(InputBuffer.Capacity, input.Append(new byte[InputBuffer.Capacity + 1]));
        Assert.Equal(0, input.Room);
        Assert.False(input.WantsAcknowledgement);
        input.Take(new byte[InputBuffer.Capacity]);
        Assert.True(input.WantsAcknowledgement);
        input.Acknowledge(100);
        Assert.Equal(100, input.Room);
    }

    [Fact]
    public void Typing_seldom_asks_for_an_acknowledgement()
    {
        var input = new InputBuffer();
        input.Start(0);
        for (var key = 0; key < 2_000; key++)
        {
            input.Append("k"u8);
            input.Take(new byte[1]);
            Assert.False(input.WantsAcknowledgement);
        }
    }

    private static void Step(Random random, InputBuffer input, List<byte> given, CountingShell shell)
    {
        switch (random.Next(4))
        {
            case 0:
                var bytes = new byte[random.Next(1, 10_000)];
                random.NextBytes(bytes);
                given.AddRange(bytes.AsSpan(0, input.Append(bytes)));
                break;
            case 1:
                var frame = new byte[random.Next(1, 8_000)];
                shell.Send(frame.AsSpan(0, input.Take(frame)));
                break;
            case 2:
                shell.AcceptSome(random);
                if (random.Next(2) == 0) input.Acknowledge(shell.Received.Count);
                break;
            default:
                shell.AcceptSome(random);
                shell.LoseTheWire();
                input.Resume(shell.Accepted);
                break;
        }
    }

    private static void Drain(InputBuffer input, CountingShell shell)
    {
        var frame = new byte[InputBuffer.Capacity];
        shell.Send(frame.AsSpan(0, input.Take(frame)));
        shell.AcceptAll();
    }

    /// <summary>A shell that counts its input, behind a wire that holds some of it.</summary>
    private sealed class CountingShell(long first)
    {
        private readonly Queue<byte> _wire = new();

        public List<byte> Received { get; } = [];

        public long Accepted => first + Received.Count;

        public void Send(ReadOnlySpan<byte> bytes)
        {
            foreach (var value in bytes) _wire.Enqueue(value);
        }

        public void AcceptSome(Random random)
        {
            for (var count = random.Next(_wire.Count + 1); count > 0; count--) Received.Add(_wire.Dequeue());
        }

        public void AcceptAll()
        {
            while (_wire.TryDequeue(out var value)) Received.Add(value);
        }

        public void LoseTheWire() => _wire.Clear();
    }
}
