using System.Diagnostics;
using System.Reflection;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>The built program: <c>out/porthole</c>, or the one in the directory that PORTHOLE_OUT names.</summary>
internal static class PortholeProgram
{
    public static string RepositoryDirectory { get; } =
        typeof(PortholeProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryDirectory").Value!;

    public static string Path { get; } = Find();

    /// <summary>Starts it with its output in pipes, and with nothing in its environment that would point it elsewhere.</summary>
    public static Process Start(IReadOnlyDictionary<string, string>? environment, params IEnumerable<string> arguments) =>
        StartProgram(environment, [Path, .. arguments]);

    /// <summary>Runs it to its end.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(
        IReadOnlyDictionary<string, string>? environment, params IEnumerable<string> arguments) =>
        RunProgramAsync(environment, [Path, .. arguments]);

    /// <summary>Starts any program in the same way.</summary>
    public static Process StartProgram(IReadOnlyDictionary<string, string>? environment, IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (var name in start.Environment.Keys.Where(IsPointer).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Runs any program in the same way to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunProgramAsync(
        IReadOnlyDictionary<string, string>? environment, IReadOnlyList<string> command)
    {
        using var process = StartProgram(environment, command);
        try
        {
            using var deadline = Patience.Deadline();
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            process.Kill();
        }
    }

    private static bool IsPointer(string name) =>
        name.StartsWith("AWS_", StringComparison.Ordinal) || name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("PORTHOLE_", StringComparison.Ordinal) || name.StartsWith("BEDROCK_", StringComparison.Ordinal);

    private static string Find()
    {
        var directory = Environment.GetEnvironmentVariable("PORTHOLE_OUT") is { Length: > 0 } given ? given : System.IO.Path.Combine(RepositoryDirectory, "out");
        var path = System.IO.Path.Combine(directory, "porthole");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing: run make build");
    }
}
