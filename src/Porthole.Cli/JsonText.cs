using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Porthole.Cli.Terminal;

namespace Porthole.Cli;

/// <summary>What <c>--json</c> prints: the service's own names, for programs.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Print<T>(T value) => StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(value, Options) + "\n");

    public static System.CommandLine.Option<bool> Option() => new("--json") { Description = "Print JSON for programs" };
}
