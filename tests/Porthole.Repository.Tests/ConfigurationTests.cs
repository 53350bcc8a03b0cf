using System.Reflection;
using Porthole.Protocol.Shells;
using Porthole.Sandboxes;
using Porthole.Server;
using Porthole.Server.Agents;
using Porthole.Server.Control;

namespace Porthole.Repository.Tests;

/// <summary>docs/configuration.md and the settings are the same.</summary>
public sealed class ConfigurationTests
{
    private static readonly IReadOnlyList<IReadOnlyList<string>> Rows = [.. new Document("docs/configuration.md").TableRows.Where(row => row.Count >= 3)];

    private static readonly Type[] Sections = [typeof(ShellLimits), typeof(SandboxLimits), typeof(AuditOptions), typeof(TelemetryOptions), typeof(AgentLimits), typeof(ControlPlaneLimits), typeof(TlsOptions)];

    [Fact]
    public void Every_setting_is_described()
    {
        var settings = SettingsOf(typeof(ServerConfiguration)).Except(["shells", "sandbox", "audit", "telemetry", "agents", "controlPlane", "tls"]).Concat(Sections.SelectMany(SettingsOf));
        Assert.Empty(settings.Except(Rows.Select(row => row[0])));
    }

    [Fact]
    public void Nothing_else_is_described()
    {
        var described = Rows.Select(row => row[0]).Where(name => char.IsAsciiLetterLower(name[0]));
        var settings = SettingsOf(typeof(ServerConfiguration)).Concat(Sections.SelectMany(SettingsOf));
        Assert.Empty(described.Except(settings));
    }

    [Fact]
    public void The_defaults_of_shells_are_those_of_the_document()
    {
        foreach (var property in Properties(typeof(ShellLimits)))
        {
            var row = Assert.Single(Rows, row => row[0] == Camel(property.Name));
            Assert.Equal(Shown(property.GetValue(ShellLimits.Default)!), row[1]);
        }
    }

    [Fact]
    public void The_defaults_of_agents_are_those_of_the_document()
    {
        foreach (var property in Properties(typeof(AgentLimits)))
        {
            var row = Assert.Single(Rows, row => row[0] == Camel(property.Name));
            Assert.Equal(Shown(property.GetValue(AgentLimits.Default)!), row[1]);
        }
    }

    [Fact]
    public void The_defaults_of_the_audit_trail_are_those_of_the_document()
    {
        foreach (var property in Properties(typeof(AuditOptions)))
        {
            var row = Assert.Single(Rows, row => row[0] == Camel(property.Name));
            Assert.Equal(Shown(property.GetValue(new AuditOptions())!), row[1]);
        }
    }

    [Fact]
    public void The_defaults_of_the_control_plane_are_those_of_the_document()
    {
        foreach (var property in Properties(typeof(ControlPlaneLimits)))
        {
            var row = Assert.Single(Rows, row => row[0] == Camel(property.Name));
            Assert.Equal(Shown(property.GetValue(new ControlPlaneLimits())!), row[1]);
        }
    }

    [Fact]
    public void The_defaults_of_the_server_are_those_of_the_document()
    {
        var defaults = new ServerConfiguration().ToOptions("/tmp");
        Assert.Equal(defaults.LogFormat, DefaultOf("logFormat"));
        Assert.Equal(defaults.Telemetry.Protocol, DefaultOf("protocol"));
        Assert.Equal(defaults.Region, DefaultOf("region"));
        Assert.Equal(defaults.AccountId, DefaultOf("accountId"));
        Assert.Equal(defaults.Isolation, DefaultOf("isolation"));
        Assert.Equal($"[\"{Assert.Single(defaults.ListenUrls)}\"]", DefaultOf("listen"));
        Assert.Equal(defaults.Egress, bool.Parse(DefaultOf("egress")));
        Assert.Equal(defaults.FirstSessionUid, uint.Parse(DefaultOf("firstSessionUid")));
    }

    private static string DefaultOf(string setting) => Assert.Single(Rows, row => row[0] == setting)[1];

    private static string Shown(object value) => value switch
    {
        TimeSpan { TotalHours: >= 1 } time => $"{time.TotalHours} h",
        TimeSpan time => $"{time.TotalSeconds} s",
        int or long => string.Format("{0:N0}", value),
        bool flag => Camel(flag.ToString()),
        _ => throw new ArgumentException($"{value.GetType()} has no form in the document yet"),
    };

    private static IEnumerable<string> SettingsOf(Type type) => Properties(type).Select(property => Camel(property.Name));

    private static PropertyInfo[] Properties(Type type) => type.GetProperties(BindingFlags.Instance | BindingFlags.Public);

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
