using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Control;

public sealed class EndpointStateTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private static RuntimeVersion Version(int number, ResourceStatus status) => new()
    {
        RuntimeId = "agent-abcdefghij",
        Version = number,
        Configuration = RuntimeConfiguration.HostTools,
        CreatedAt = Now,
        Status = status,
        FailureReason = status == ResourceStatus.Ready ? null : "no such image",
    };

    private static RuntimeEndpoint New() => RuntimeEndpoint.New("agent-abcdefghij", "prod", 1, null, Now);

    [Fact]
    public void A_new_endpoint_is_live_when_its_version_is_ready()
    {
        var endpoint = New();
        Assert.Equal((ResourceStatus.Creating, null), (endpoint.Status, endpoint.LiveVersion));
        endpoint.Arrive(Version(1, ResourceStatus.Ready), Now);
        Assert.Equal((ResourceStatus.Ready, 1, null), (endpoint.Status, endpoint.LiveVersion, endpoint.FailureReason));
    }

    [Fact]
    public void A_new_endpoint_whose_version_fails_is_live_nowhere()
    {
        var endpoint = New();
        endpoint.Arrive(Version(1, ResourceStatus.CreateFailed), Now);
        Assert.Equal((ResourceStatus.CreateFailed, null, "no such image"), (endpoint.Status, endpoint.LiveVersion, endpoint.FailureReason));
    }

    [Fact]
    public void A_move_to_a_version_that_fails_leaves_the_one_before_live()
    {
        var endpoint = New();
        endpoint.Arrive(Version(1, ResourceStatus.Ready), Now);
        endpoint.MoveTo(2, Now);
        Assert.Equal((ResourceStatus.Updating, 1, 2), (endpoint.Status, endpoint.LiveVersion, endpoint.TargetVersion));
        endpoint.Arrive(Version(2, ResourceStatus.UpdateFailed), Now);
        Assert.Equal((ResourceStatus.UpdateFailed, 1, "no such image"), (endpoint.Status, endpoint.LiveVersion, endpoint.FailureReason));
    }

    [Fact]
    public void An_endpoint_that_failed_works_again_with_a_version_that_is_ready()
    {
        var endpoint = New();
        endpoint.Arrive(Version(1, ResourceStatus.CreateFailed), Now);
        endpoint.MoveTo(2, Now);
        Assert.Equal(ResourceStatus.Creating, endpoint.Status);
        endpoint.Arrive(Version(2, ResourceStatus.Ready), Now);
        Assert.Equal((ResourceStatus.Ready, 2, null), (endpoint.Status, endpoint.LiveVersion, endpoint.FailureReason));
    }
}
