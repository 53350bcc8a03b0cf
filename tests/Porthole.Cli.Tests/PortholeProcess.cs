using System.Diagnostics;
using System.Text;
using Porthole.Client.Tests;

namespace Porthole.Cli.Tests;

/// <summary>What a run of the program left.</summary>
internal sealed record PortholeResult(int ExitCode, string Output, string Error);

/// <summary>The program without a terminal.</summary>
internal static class PortholeProcess
{
    /// <summary>The program under test, which the build puts beside the tests.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "porthole");

    public static async Task<PortholeResult> RunAsync(IEnumerable<string> arguments, ScriptedServer? server = null, string input = "", Action<Process>? started = null)
    {
        using var process = new Process { StartInfo = Start(arguments, server) };
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        started?.Invoke(process);
        await process.WaitForExitAsync().Within("the program to end");
        return new PortholeResult(process.ExitCode, await output, await error);
    }

    // Behind shared/Microsoft.NETCore.App/VERSION/System.Private.CoreLib.dll.
    private static string DotnetRoot => System.IO.Path.GetFullPath(System.IO.Path.Combine(typeof(object).Assembly.Location, "../../../.."));

    /// <summary>The variables that point the program at a scripted server.</summary>
    public static IReadOnlyDictionary<string, string> Environment(ScriptedServer? server) => new Dictionary<string, string>
    {
        ["PATH"] = "/usr/bin:/bin",
        ["HOME"] = "/nonexistent",
        ["TERM"] = "xterm-256color",
        ["DOTNET_ROOT"] = DotnetRoot,
        ["PORTHOLE_DATA_DIR"] = "/nonexistent",
        ["PORTHOLE_ENDPOINT"] = server?.Endpoint.AbsoluteUri ?? "",
        ["PORTHOLE_RUNTIME_ARN"] = ScriptedServer.RuntimeArn,
        ["AWS_ACCESS_KEY_ID"] = ScriptedServer.Key.AccessKeyId,
        ["AWS_SECRET_ACCESS_KEY"] = ScriptedServer.Key.SecretAccessKey,
    };

    private static ProcessStartInfo Start(IEnumerable<string> arguments, ScriptedServer? server)
    {
        var start = new ProcessStartInfo(Path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment.Clear();
        foreach (var (name, value) in Environment(server)) start.Environment[name] = value;
        return start;
    }
}
