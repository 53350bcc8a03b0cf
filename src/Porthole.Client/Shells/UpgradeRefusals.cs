using System.Net;

namespace Porthole.Client;

/// <summary>Reads the body of an answer that refuses an upgrade: the WebSocket client itself would only tell the status.</summary>
internal sealed class UpgradeRefusals(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.SwitchingProtocols) return response;
        using (response)
            throw await ErrorAnswer.ReadAsync(response, cancellationToken).ConfigureAwait(false);
    }
}
