using Porthole.Protocol.Aws;

namespace Porthole.Protocol.Tests.Aws;

/// <summary>Signatures that the official signers of Python and JavaScript made of one and the same request.</summary>
internal static class SigV4Vectors
{
    internal const string Region = "us-west-2";
    internal const string RawPath = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-west-2%3A123456789012%3Aruntime%2Fmy_agent-abcdefghij/ws/shells";
    internal const string Query = "shellId=sh-1&qualifier=DEFAULT";
    internal const string SessionHeader = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";
    internal const string BotocoreSignature = "f23ec9c3cd04b8bbb0c8c2bf7fc9c3d8dfd5d29bda6f93f6116e8482b4c2282c";
    internal const string BotocoreWithPortSignature = "4435e1e02c3f8e76b2f526afc01cc867f4a5b6a2de1171c6e6bdc6cca5aee8df";
    internal const string JavaScriptSignature = "0848efcf426615ae16eb2f77053393b79070e7db56a6b29d93652588d7112cac";
    internal const string PresignedSignature = "98340202a4ee133614a83522d8e5dbf2d53de904aa7a680dff4bea616fc2d49a";

    internal static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    internal static readonly SigV4Credentials Credentials = new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    internal static readonly string SessionId = new('s', 36);
    internal static readonly SigV4Signer Signer = new(Credentials, Region);

    internal static SigV4Request Request(string host, string query = Query, params KeyValuePair<string, string>[] headers) =>
        new("GET", Target($"{RawPath}?{query}"), [new("Host", host), .. headers]);

    internal static SigV4Request WithSession(string host) => Request(host, Query, new KeyValuePair<string, string>(SessionHeader, SessionId));

    internal static RequestTarget Target(string raw) =>
        RequestTarget.TryParse(raw, out var target) ? target : throw new InvalidOperationException($"cannot read {raw}");

    internal static SigV4Request Signed(SigV4Request request, DateTimeOffset? at = null) =>
        request with { Headers = [.. request.Headers, .. Signer.SignHeaders(request, SigV4.EmptySha256, at ?? Now)] };

    internal static SigV4Request Presigned(SigV4Request request, int seconds = 300, DateTimeOffset? at = null) =>
        request with { Target = Target(Signer.Presign(request, TimeSpan.FromSeconds(seconds), at ?? Now)) };

    internal static SigV4Request Sent(SigV4Request signed, string wireHost) =>
        signed with { Headers = [.. signed.Headers.Select(h => h.Key == "Host" ? new("Host", wireHost) : h)] };
}
