using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;

namespace Porthole.Server.Control;

/// <summary>Which part of a list a request wants. A page begins behind the last entry of the one before, whatever was added or removed meanwhile.</summary>
/// <param name="After">The key of the last entry of the page before; empty for the first page.</param>
/// <param name="Size">How many entries at most.</param>
internal sealed record Page(string After, int Size)
{
    private const int MaxSize = 100;

    private static readonly TextRule Token = new(1, 2048);
    private static readonly TextRule Number = new(1, 9);

    /// <summary>Reads <c>maxResults</c> and <c>nextToken</c>.</summary>
    /// <exception cref="AwsException">One of them is wrong.</exception>
    public static Page Of(ControlRequest request)
    {
        var size = MaxSize;
        if (request.Parameter("maxResults", Number) is { } text && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out size) && size is >= 1 and <= MaxSize))
            throw new AwsException(AwsError.InvalidField("maxResults", $"maxResults must be a whole number, 1 to {MaxSize}."));
        return new Page(request.Parameter("nextToken", Token) is { } token ? Decode(token) : "", size);
    }

    /// <summary>Cuts what was read, one entry more than fits, to the page's size.</summary>
    /// <param name="found">The entries behind <see cref="After"/>; one more than <see cref="Size"/> when there are more.</param>
    /// <param name="key">An entry's key.</param>
    public (IReadOnlyList<T> Entries, string? NextToken) Cut<T>(IReadOnlyList<T> found, Func<T, string> key) =>
        found.Count <= Size ? (found, null) : ([.. found.Take(Size)], Encode(key(found[Size - 1])));

    private static string Encode(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    private static string Decode(string token) => Base64Url.IsValid(token)
        ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token))
        : throw new AwsException(AwsError.InvalidField("nextToken", "nextToken is none that a list of this server gave."));
}
