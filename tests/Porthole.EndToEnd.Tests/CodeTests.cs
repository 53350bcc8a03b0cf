using System.IO.Compression;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>Agents that are deployed as a zip of code, from the zip to an answer.</summary>
public sealed class CodeTests : IAsyncLifetime
{
    private const string Python = """
        import http.server, json, os, sys
        from words import WORD

        class Agent(http.server.BaseHTTPRequestHandler):
            def log_message(self, *words):
                pass

            def do_GET(self):
                body = json.dumps({"status": "Healthy", "word": WORD, "directory": os.getcwd(), "from": os.environ.get("FROM"), "wrapped": os.environ.get("WRAPPED")}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

        http.server.HTTPServer(("0.0.0.0", 8080), Agent).serve_forever()
        """;

    private const string Node = """
        const { WORD } = require('./lib/words')
        require('http').createServer((request, response) => {
          response.end(JSON.stringify({ status: 'Healthy', word: WORD, directory: process.cwd(), from: process.env.FROM }))
        }).listen(8080)
        """;

    private TestServer _server = null!;

    private string Inbox => Path.Combine(_server.DataDirectory, "inbox");

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync("""
            "egress": false
            """);
        WriteZip("python.zip", ("main.py", Python), ("words/__init__.py", "WORD = 'packed with it'"), ("bin/wrap", "#!/bin/sh\nWRAPPED=yes exec \"$@\"\n"));
        WriteZip("node.zip", ("main.js", Node), ("lib/words.js", "exports.WORD = 'packed with it'"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("python.zip", "PYTHON_3_11", "main.py", null)]
    [InlineData("python.zip", "PYTHON_3_13", "wrap main.py", "yes")]
    [InlineData("node.zip", "NODE_22", "main.js", null)]
    public async Task Code_is_deployed_from_the_command_line_and_answers_with_what_was_packed(string zip, string runtime, string entryPoint, string? wrapped)
    {
        string[] code = ["--code", Path.Combine(Inbox, zip), "--code-runtime", runtime, "--entry-point", .. entryPoint.Split(' ')];
        var created = await _server.RunAsync(["runtime", "create", "coded", "--env", "FROM=runtime", .. code]);
        Assert.True(created.ExitCode == 0, created.Errors);
        string[] inSession = ["--runtime", "coded", "--session-id", ShellClient.NewSessionId()];

        var answer = await _server.RunAsync(["invoke", .. inSession, "--payload", "{}"]);
        Assert.True(answer.ExitCode == 0, answer.Errors);
        var seen = JsonElement.Parse(answer.Output);
        Assert.Equal(("packed with it", "/var/task", "runtime"), (Word("word"), Word("directory"), Word("from")));
        if (wrapped is not null)
            Assert.Equal(wrapped, Word("wrapped"));

        var (_, output, errors) = await PortholeProgram.RunAsync(null, [
            "exec", "--data-dir", _server.DataDirectory, .. inSession, "--", "sh", "-c", "pwd; ls; touch /var/task/new || echo read-only"]);
        Assert.StartsWith("/var/task\n", output, StringComparison.Ordinal);
        Assert.Contains(zip == "node.zip" ? "main.js" : "main.py", output, StringComparison.Ordinal);
        Assert.True(output.EndsWith("read-only\n", StringComparison.Ordinal), output + errors);

        string? Word(string name) => seen.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Code_without_its_entry_point_says_so()
    {
        var created = await _server.RunAsync("runtime", "create", "coded", "--code", Path.Combine(Inbox, "node.zip"), "--code-runtime", "NODE_22", "--entry-point", "other.js");
        Assert.Equal(1, created.ExitCode);
        Assert.Contains("there is no other.js in", created.Errors, StringComparison.Ordinal);
    }

    private void WriteZip(string name, params ReadOnlySpan<(string Path, string Content)> files)
    {
        using var archive = ZipFile.Open(Path.Combine(Inbox, name), ZipArchiveMode.Create);
        foreach (var (path, content) in files)
        {
            var entry = archive.CreateEntry(path);

            // As zip(1) writes it: st_mode, 0100755, in the upper half.
            entry.ExternalAttributes = unchecked((int)0x81ED0000);
            using var writer = new StreamWriter(entry.Open());
            writer.Write(content);
        }
    }
}
