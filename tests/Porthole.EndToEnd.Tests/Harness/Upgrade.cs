using System.Text;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>The request that opens a shell, with every part open to be got wrong. The defaults are right.</summary>
internal sealed record Upgrade
{
    /// <summary>How the request proves who sends it.</summary>
    public enum Proof
    {
        Headers,
        Query,
        None,
    }

    public required TestServer Server { get; init; }

    /// <summary>What stands between /runtimes/ and the operation, as it goes on the wire.</summary>
    public string? Runtime { get; init; }

    public string Method { get; init; } = "GET";

    public string Operation { get; init; } = "ws/shells";

    public string? SessionHeader { get; init; }

    /// <summary>Whether the session's header is part of the signature.</summary>
    public bool SignsSession { get; init; } = true;

    /// <summary>Query parameters, as they go on the wire.</summary>
    public string Query { get; init; } = "";

    public string WireHost { get; init; } = "";

    public string SignedHost { get; init; } = "";

    public Proof By { get; init; } = Proof.Headers;

    public DateTimeOffset Time { get; init; } = DateTimeOffset.UtcNow;

    public TimeSpan Expires { get; init; } = TimeSpan.FromSeconds(300);

    public string? Region { get; init; }

    public SigV4Credentials? Credentials { get; init; }

    /// <summary>Whether x-amz-content-sha256 is sent and signed, as the JavaScript signer does.</summary>
    public bool SendsContentHash { get; init; }

    public string UpgradeHeaders { get; init; } =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    /// <summary>Further header lines, each with its line end.</summary>
    public string MoreHeaders { get; init; } = "";

    /// <summary>Changes the target after it was signed.</summary>
    public Func<string, string> Tamper { get; init; } = target => target;

    /// <summary>The request's head, ready to be sent.</summary>
    public byte[] Head()
    {
        var path = $"/runtimes/{Runtime ?? Uri.EscapeDataString(Server.RuntimeArn)}/{Operation}";
        var target = Query.Length > 0 ? $"{path}?{Query}" : path;
        var wireHost = WireHost.Length > 0 ? WireHost : Server.EndPoint.ToString();
        var session = SessionHeader is null ? "" : $"{ApiClient.SessionHeader}: {SessionHeader}\r\n";
        var proof = "";
        switch (By)
        {
            case Proof.Headers:
                proof = SignedLines(target, SignedHost.Length > 0 ? SignedHost : wireHost);
                break;
            case Proof.Query:
                target = Signer.Presign(Request(target, SignedHost.Length > 0 ? SignedHost : wireHost), Expires, Time);
                break;
        }

        return Encoding.UTF8.GetBytes($"{Method} {Tamper(target)} HTTP/1.1\r\nHost: {wireHost}\r\n{UpgradeHeaders}{session}{proof}{MoreHeaders}\r\n");
    }

    private SigV4Signer Signer => new(Credentials ?? Server.Credentials, Region ?? Server.Region);

    private string SignedLines(string target, string host)
    {
        var lines = Signer.SignHeaders(Request(target, host), SigV4.EmptySha256, Time);
        var hash = SendsContentHash ? $"x-amz-content-sha256: {SigV4.EmptySha256}\r\n" : "";
        return hash + string.Concat(lines.Select(line => $"{line.Key}: {line.Value}\r\n"));
    }

    private SigV4Request Request(string target, string host)
    {
        Assert.True(RequestTarget.TryParse(target, out var parsed));
        List<KeyValuePair<string, string>> headers = [new("Host", host)];
        if (SessionHeader is not null && SignsSession)
            headers.Add(new(ApiClient.SessionHeader, SessionHeader));
        if (SendsContentHash)
            headers.Add(new("x-amz-content-sha256", SigV4.EmptySha256));
        return new SigV4Request(Method, parsed, headers);
    }
}
