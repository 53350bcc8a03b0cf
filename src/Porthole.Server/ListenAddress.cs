namespace Porthole.Server;

/// <summary>Addresses that a server can listen on.</summary>
internal static class ListenAddress
{
    /// <summary>Whether the web host can make sense of it; what it cannot, it reports by stack traces of its own.</summary>
    public static bool IsValid(string url)
    {
        // '*' and '+' stand for all interfaces to the web host; no URL has them.
        var plain = url.Replace("//*", "//[::]", StringComparison.Ordinal).Replace("//+", "//[::]", StringComparison.Ordinal);
        return Uri.TryCreate(plain, UriKind.Absolute, out var uri) && uri is { Scheme: "http", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" };
    }
}
