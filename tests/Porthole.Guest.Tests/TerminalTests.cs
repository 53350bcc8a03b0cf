using System.Diagnostics;
using System.Text;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>What makes it a terminal: signals, jobs, sizes, and input and output that do not wait for each other.</summary>
public sealed class TerminalTests : IDisposable
{
    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void A_resize_tells_the_program_and_changes_the_size()
    {
        const string script = "trap 'echo now $(stty size)' WINCH; echo first $(stty size); while :; do sleep 0.02; done";
        var shell = _guest.OpenLane().Attach(1, "one", columns: 100, rows: 40, program: Lane.Program(["bash", "-c", script])).Confirm();
        shell.WaitFor("first 40 100");
        shell.Resize(132, 50);
        shell.WaitFor("now 50 132");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(65535, 65535)]
    public void A_size_at_the_edge_of_the_format_harms_nothing(ushort columns, ushort rows)
    {
        var shell = _guest.OpenLane().Attach(1, "one", columns: columns, rows: rows).Confirm();
        shell.Resize(80, 24);
        shell.Resize(columns, rows);
        Assert.Contains($"{rows} {columns}", shell.Run("stty size"), StringComparison.Ordinal);
    }

    [Fact]
    public void Resizes_sent_before_the_shell_is_there_count()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one");
        shell.Resize(99, 33);
        Assert.Contains("33 99", shell.Confirm().Run("stty size"), StringComparison.Ordinal);
    }

    [Fact]
    public void Jobs_are_stopped_and_continued()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        shell.WaitFor("$ ");
        shell.Type("echo re''ady; cat\n");
        shell.WaitFor("ready\r\n");
        shell.Type("hello\n");
        shell.WaitFor("hello\r\nhello\r\n");
        shell.Type("\x1a");
        shell.WaitFor("Stopped");
        shell.Type("echo on''ward; fg\n");
        shell.WaitFor("onward\r\ncat\r\n");
        shell.Type("again\n");
        shell.WaitFor("again\r\nagain\r\n");
        shell.Type("\x04");
        Assert.Contains("42", shell.Run("echo $((6*7))"), StringComparison.Ordinal);
    }

    [Fact]
    public void Ctrl_C_stops_a_flood_at_once()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        shell.WaitFor("$ ");
        shell.Type("yes\n");
        shell.WaitForBytes(2_000_000);
        var typed = Stopwatch.StartNew();
        shell.Type("\x03");
        shell.WaitFor("^C");
        Assert.True(typed.Elapsed < TimeSpan.FromSeconds(2), $"it took {typed.Elapsed}");
        Assert.Contains("42", shell.Run("echo $((6*7))"), StringComparison.Ordinal);
    }

    [Fact]
    public void Ctrl_C_reaches_a_program_whose_output_nobody_takes()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one", credit: 100_000, program: Lane.Program(["bash", "-c", "trap 'exit 7' INT; while :; do echo 0123456789; done"])).Confirm();
        shell.WaitForBytes(100_000);
        shell.Type("\x03");
        lane.WaitForShells(shells => !Directory.Exists($"/proc/{shells.Single().ProcessId}"));
        shell.Grant(1 << 30);
        Assert.Equal(new ProcessExit(7, 0), shell.WaitForExit());
    }

    [Fact]
    public void Bytes_that_are_no_text_pass_through_both_ways()
    {
        var shell = _guest.OpenLane().Attach(1, "one", program: Lane.Program(["sh", "-c", "stty raw -echo; printf ready; exec cat"])).Confirm();
        shell.WaitFor("ready");
        var all = Enumerable.Range(0, 256).Select(number => (byte)number).ToArray();
        shell.Type(all);
        shell.WaitForBytes(5 + all.Length);
        Assert.Equal(all, shell.Output[5..]);
    }

    [Fact]
    public void A_paste_of_a_megabyte_arrives_whole()
    {
        var shell = _guest.OpenLane().Attach(1, "one", program: Lane.Program(["sh", "-c", "stty raw -echo; printf ready; head -c 1048576 | sha256sum"])).Confirm();
        shell.WaitFor("ready");
        var paste = new byte[1024 * 1024];
        new Random(1).NextBytes(paste);
        shell.Paste(paste);
        shell.WaitForExit();
        Assert.Contains(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(paste)), shell.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_paste_that_comes_back_as_echo_arrives_whole()
    {
        var shell = _guest.OpenLane().Attach(1, "one", program: Lane.Program(["sh", "-c", "stty raw -echo; printf ready; exec cat"])).Confirm();
        shell.WaitFor("ready");
        var paste = new byte[1024 * 1024];
        new Random(2).NextBytes(paste);
        shell.Paste(paste);
        shell.WaitForBytes(5 + paste.Length);
        Assert.True(paste.AsSpan().SequenceEqual(shell.Output.AsSpan(5)), "the bytes differ");
    }

    [Fact]
    public void A_program_that_does_not_read_its_input_holds_up_nobody()
    {
        // On one lane, where they have the most to do with each other.
        var lane = _guest.OpenLane();
        var deaf = lane.Attach(1, "deaf", program: Lane.Program(["sh", "-c", "stty raw -echo; printf ready; exec sleep 1000"])).Confirm();
        deaf.WaitFor("ready");
        var other = lane.Attach(2, "other").Confirm();
        deaf.Type(new byte[64 * 1024]);
        Assert.Contains("42", other.Run("echo $((6*7))"), StringComparison.Ordinal);

        // What the terminal did not take is kept across a detach, and counted.
        deaf.Send(LinkFrameType.Detach);
        deaf.WaitForClosed();
        var again = lane.Attach(3, "deaf").Confirm();
        Assert.Equal(64 * 1024, again.Attached.InputOffset);
        Assert.InRange(again.Attached.InputCredit, 0u, (64 * 1024) - 1u);
    }

    [Fact]
    public void Input_that_waited_is_delivered_after_a_detach()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one", program: Lane.Program(["sh", "-c", "stty raw -echo; printf ready; until [ -e go ]; do sleep 0.05; done; head -c 60000 | wc -c; exec cat"]) with { Directory = _guest.ScratchDirectory }).Confirm();
        shell.WaitFor("ready");
        shell.Type(Encoding.ASCII.GetBytes(new string('x', 60_000)));
        lane.Ping();
        lane.Dispose();
        File.WriteAllText(Path.Combine(_guest.ScratchDirectory, "go"), "");
        _guest.OpenLane().Attach(1, "one").Confirm().WaitFor("60000");
    }

    [Fact]
    public void A_program_may_close_its_terminal_and_open_it_again()
    {
        var script = "t=$(tty); stty raw -echo; printf one; exec <&- >&- 2>&-; until [ -e go ]; do sleep 0.05; done; exec <>$t >&0 2>&0; printf two; read line; exit 4";
        var shell = _guest.OpenLane().Attach(1, "one", program: Lane.Program(["sh", "-c", script]) with { Directory = _guest.ScratchDirectory }).Confirm();
        shell.WaitFor("one");
        var before = _guest.ProcessorTime;
        Thread.Sleep(300);
        Assert.True(_guest.ProcessorTime - before < TimeSpan.FromMilliseconds(100), "the guest spins on a terminal that nobody has open");
        File.WriteAllText(Path.Combine(_guest.ScratchDirectory, "go"), "");
        shell.WaitFor("two");
        shell.Type("\n");
        Assert.Equal(new ProcessExit(4, 0), shell.WaitForExit());
    }

    [Fact]
    public void An_idle_guest_uses_no_processor_time()
    {
        var lanes = Enumerable.Range(0, 10).Select(number => _guest.OpenLane().Attach(1, $"s{number}").Confirm()).ToList();
        lanes.ForEach(shell => shell.WaitFor("$ "));
        _guest.OpenLane().Attach(1, "blocked", credit: 10, program: Lane.Program(["sh", "-c", "echo 0123456789; exec true"])).Confirm().WaitForBytes(10);
        var before = _guest.ProcessorTime;
        Thread.Sleep(500);
        Assert.True(_guest.ProcessorTime - before <= TimeSpan.FromMilliseconds(20), $"it used {_guest.ProcessorTime - before}");
    }
}
