namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>Settings for servers whose sessions are microVMs. All of them share what <c>porthole setup microvm</c> has made beside the program.</summary>
internal static class MicroVms
{
    private const string IsolationVariable = "PORTHOLE_TEST_ISOLATION";

    public static string Directory => Path.Combine(Path.GetDirectoryName(PortholeProgram.Path)!, "microvm");

    public static string Settings => $"\"isolation\": \"microvm\", \"microVmDirectory\": \"{Directory}\"";

    /// <summary>The settings of a server whose sessions are isolated in this way and no other.</summary>
    public static string SettingsFor(string isolation) => isolation == "microvm" ? Settings : $"\"isolation\": \"{isolation}\"";

    /// <summary>Whether the run as a whole is about microVMs.</summary>
    public static bool IsSubject => Environment.GetEnvironmentVariable(IsolationVariable) == "microvm";

    /// <summary>The settings of a test's server: as the test wants them, but for isolation where the run as a whole is about microVMs.</summary>
    public static string Apply(string settings)
    {
        if (!IsSubject || settings.Contains("\"isolation\"", StringComparison.Ordinal))
            return settings;
        return string.IsNullOrWhiteSpace(settings) ? Settings : $"{Settings}, {settings}";
    }
}
