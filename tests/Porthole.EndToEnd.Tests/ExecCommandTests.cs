using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary><c>porthole exec</c> against a real session.</summary>
public sealed class ExecCommandTests(SharedServer shared)
{
    private readonly string _session = $"exec-{Guid.NewGuid()}";

    [Fact]
    public async Task Output_errors_and_exit_code_are_the_commands_byte_for_byte()
    {
        var (code, output, errors) = await ExecAsync("--", "bash", "-c", "echo 'out  äß漢🚀'; echo err >&2; exit 3");
        Assert.Equal((3, "out  äß漢🚀\n", "err\n"), (code, output, errors));
    }

    [Fact]
    public async Task Words_arrive_as_they_were_given()
    {
        string[] words = ["a b", "'quoted'", "\"twice\"", "$HOME", "*", "", "new\nline", "--flag", "@file", "\\"];
        var (code, output, errors) = await ExecAsync(["--", "printf", "<%s>", .. words]);
        Assert.Equal((0, string.Concat(words.Select(word => $"<{word}>")), ""), (code, output, errors));
    }

    [Fact]
    public async Task A_megabyte_is_whole()
    {
        var (code, output, _) = await ExecAsync("--", "seq", "150000");
        Assert.Equal(0, code);
        Assert.Equal(string.Concat(Enumerable.Range(1, 150_000).Select(i => $"{i}\n")), output);
    }

    [Fact]
    public async Task Json_is_one_line_with_everything_in_it()
    {
        var (code, output, _) = await ExecAsync("--json", "--", "bash", "-c", "echo out; echo err >&2; exit 3");
        Assert.Equal(3, code);
        Assert.EndsWith("\n", output);
        Assert.DoesNotContain('\n', output[..^1]);
        using var json = JsonDocument.Parse(output);
        Assert.False(json.RootElement.GetProperty("success").GetBoolean());
        Assert.Equal(3, json.RootElement.GetProperty("exitCode").GetInt32());
        Assert.Equal("out\n", json.RootElement.GetProperty("stdout").GetString());
        Assert.Equal("err\n", json.RootElement.GetProperty("stderr").GetString());
    }

    [Fact]
    public async Task A_command_that_takes_too_long_is_124_and_what_it_printed_is_kept()
    {
        var (code, output, _) = await ExecAsync("--timeout", "1", "--", "bash", "-c", "echo before; sleep 1000");
        Assert.Equal((124, "before\n"), (code, output));
    }

    [Fact]
    public async Task A_command_that_is_killed_is_128_and_the_signal() =>
        Assert.Equal(137, (await ExecAsync("--", "bash", "-c", "kill -9 $$")).ExitCode);

    [Fact]
    public async Task A_command_that_does_not_exist_is_127_as_in_any_shell()
    {
        var (code, output, errors) = await ExecAsync("--", "no-such-program");
        Assert.Equal((127, ""), (code, output));
        Assert.Contains("no-such-program", errors);
    }

    private Task<(int ExitCode, string Output, string Errors)> ExecAsync(params IEnumerable<string> arguments) =>
        PortholeProgram.RunAsync(null, ["exec", "--data-dir", shared.Server.DataDirectory, "--session-id", _session, .. arguments]);
}
