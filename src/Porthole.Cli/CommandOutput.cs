using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Porthole.Cli.Terminal;

namespace Porthole.Cli;

/// <summary>Where a remote command's output goes.</summary>
internal abstract class CommandOutput
{
    /// <summary>The command wrote to its standard output. False when nobody reads ours any more.</summary>
    public abstract bool OnStdout(string text);

    /// <summary>The command wrote to its standard error. False when nobody reads ours any more.</summary>
    public abstract bool OnStderr(string text);

    /// <summary>The command ended.</summary>
    public abstract void OnExit(int exitCode, bool timedOut);

    /// <summary>The command could not be run, or its end is not known.</summary>
    public abstract void OnFailure(string message);
}

/// <summary>As the command wrote it, when it wrote it.</summary>
internal sealed class StreamOutput : CommandOutput
{
    public override bool OnStdout(string text) => StandardStream.Write(StandardStream.Output, text);

    public override bool OnStderr(string text) => StandardStream.Write(StandardStream.Error, text);

    public override void OnExit(int exitCode, bool timedOut)
    {
        if (timedOut) StandardStream.Write(StandardStream.Error, "porthole: the command was ended because its time was up\n");
    }

    public override void OnFailure(string message) => StandardStream.Write(StandardStream.Error, $"porthole: {message}\n");
}

/// <summary>One line of JSON at the end, with the members of the official command line's.</summary>
internal sealed class JsonOutput : CommandOutput
{
    // This is for programs, not for web pages.
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StringBuilder _stdout = new();
    private readonly StringBuilder _stderr = new();

    public override bool OnStdout(string text)
    {
        _stdout.Append(text);
        return true;
    }

    public override bool OnStderr(string text)
    {
        _stderr.Append(text);
        return true;
    }

    public override void OnExit(int exitCode, bool timedOut) => Write(exitCode == 0, exitCode, timedOut ? "the time was up" : null);

    public override void OnFailure(string message) => Write(success: false, null, message);

    private void Write(bool success, int? exitCode, string? error)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, Relaxed))
        {
            json.WriteStartObject();
            json.WriteBoolean("success"u8, success);
            if (exitCode is { } code) json.WriteNumber("exitCode"u8, code);
            json.WriteString("stdout"u8, _stdout.ToString());
            json.WriteString("stderr"u8, _stderr.ToString());
            if (error is not null) json.WriteString("error"u8, error);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        StandardStream.Write(StandardStream.Output, line.WrittenSpan);
    }
}
