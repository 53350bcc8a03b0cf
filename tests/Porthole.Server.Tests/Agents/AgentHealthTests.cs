using System.Text;
using Porthole.Server.Agents;

namespace Porthole.Server.Tests.Agents;

public sealed class AgentHealthTests
{
    [Theory]
    [InlineData("""{"status":"Healthy"}""", "Healthy")]
    [InlineData("""{"status":"HealthyBusy","time_of_last_update":1790000000.5}""", "HealthyBusy")]
    [InlineData("""{"status":"healthy"}""", null)]
    [InlineData("""{"status":7}""", null)]
    [InlineData("""{"state":"Healthy"}""", null)]
    [InlineData("""["Healthy"]""", null)]
    [InlineData("\"Healthy\"", null)]
    [InlineData("ok", null)]
    [InlineData("", null)]
    public void Only_the_two_words_of_the_contract_are_a_status(string answer, string? status) =>
        Assert.Equal(status, AgentHealth.Read(Encoding.UTF8.GetBytes(answer))?.ToString());
}
