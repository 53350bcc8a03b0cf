using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Porthole.Protocol.Aws;

/// <summary>What kind of resource a <see cref="RuntimeArn"/> names.</summary>
public enum RuntimeKind
{
    /// <summary><c>runtime/{id}</c></summary>
    Runtime,

    /// <summary><c>harness/{id}</c>, which the shell and command paths accept in the place of a runtime.</summary>
    Harness,
}

/// <summary>The name of a runtime, of one of its endpoints, or of a harness.</summary>
/// <param name="Partition"><c>aws</c>, or <c>aws-</c> and more.</param>
/// <param name="Region">For instance <c>us-east-1</c>.</param>
/// <param name="AccountId">Twelve digits.</param>
/// <param name="Kind">Runtime or harness.</param>
/// <param name="Id">The resource's id; a runtime's is its name, a dash and ten letters or digits.</param>
/// <param name="Endpoint">The endpoint's name when the ARN names one.</param>
public sealed record RuntimeArn(string Partition, string Region, string AccountId, RuntimeKind Kind, string Id, string? Endpoint = null)
{
    /// <summary>The service's name in ARNs and in signatures.</summary>
    public const string Service = "bedrock-agentcore";

    /// <summary>Longest name of a runtime in an id, in characters: the service model's maximum.</summary>
    public const int MaxNameLength = 100;

    /// <summary>Longest name of an endpoint, in characters: the service model's maximum.</summary>
    public const int MaxEndpointLength = 48;

    private const int RandomLength = 10;

    // The service does not document a maximum; it bounds what we store and log.
    private const int MaxHarnessIdLength = 128;

    // The longest region has 14 characters today; a bound keeps logs and keys small.
    private const int MaxRegionLength = 32;

    private static readonly SearchValues<char> LowerWord = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>Makes a runtime's id of its name: a dash and ten random letters or digits behind it.</summary>
    /// <param name="name">A letter, then up to 99 letters, digits or underscores.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    public static string NewRuntimeId(string name)
    {
        if (!IsName(name, MaxNameLength)) throw new ArgumentException($"'{name}' is no runtime name: a letter, then letters, digits or '_'.", nameof(name));
        return $"{name}-{RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", RandomLength)}";
    }

    /// <summary>Whether the text is a runtime's id.</summary>
    public static bool IsRuntimeId(ReadOnlySpan<char> id)
    {
        var dash = id.Length - RandomLength - 1;
        return dash > 0 && id[dash] == '-' && IsName(id[..dash], MaxNameLength) && IsAlphanumeric(id[(dash + 1)..]);
    }

    /// <summary>Whether the text is an endpoint's name, as a <c>qualifier</c> gives it.</summary>
    public static bool IsEndpointName(ReadOnlySpan<char> name) => IsName(name, MaxEndpointLength);

    /// <summary>Whether the text is an account's id: twelve digits.</summary>
    public static bool IsAccountId(ReadOnlySpan<char> id) => id.Length == 12 && !id.ContainsAnyExceptInRange('0', '9');

    /// <summary>Reads an ARN.</summary>
    /// <param name="text">The ARN, decoded.</param>
    /// <param name="arn">Its parts, when the result is true.</param>
    /// <returns>False for anything else.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out RuntimeArn? arn)
    {
        arn = null;
        Span<Range> parts = stackalloc Range[7];
        if (text.Split(parts, ':') != 6) return false;
        var partition = text[parts[1]];
        var region = text[parts[3]];
        var account = text[parts[4]];
        if (text[parts[0]] is not "arn" || text[parts[2]] is not Service) return false;
        if (!IsPartition(partition) || !IsRegion(region) || !IsAccountId(account)) return false;
        if (!TrySplitResource(text[parts[5]], out var kind, out var id, out var endpoint)) return false;
        arn = new RuntimeArn(partition.ToString(), region.ToString(), account.ToString(), kind, id, endpoint);
        return true;
    }

    /// <summary>The ARN as text.</summary>
    public override string ToString()
    {
        var resource = Kind == RuntimeKind.Harness ? "harness" : "runtime";
        var endpoint = Endpoint is null ? "" : $"/runtime-endpoint/{Endpoint}";
        return $"arn:{Partition}:{Service}:{Region}:{AccountId}:{resource}/{Id}{endpoint}";
    }

    private static bool TrySplitResource(ReadOnlySpan<char> resource, out RuntimeKind kind, out string id, out string? endpoint)
    {
        (kind, id, endpoint) = (RuntimeKind.Runtime, "", null);
        Span<Range> parts = stackalloc Range[5];
        var count = resource.Split(parts, '/');
        if (count is not (2 or 4)) return false;
        var type = resource[parts[0]];
        var name = resource[parts[1]];
        kind = type is "harness" ? RuntimeKind.Harness : RuntimeKind.Runtime;
        if (kind == RuntimeKind.Harness ? !IsHarnessId(name) : type is not "runtime" || !IsRuntimeId(name)) return false;
        id = name.ToString();
        if (count == 2) return true;
        // Only runtimes have documented endpoint ARNs.
        if (kind == RuntimeKind.Harness || resource[parts[2]] is not "runtime-endpoint" || !IsEndpointName(resource[parts[3]])) return false;
        endpoint = resource[parts[3]].ToString();
        return true;
    }

    private static bool IsPartition(ReadOnlySpan<char> text) =>
        text.StartsWith("aws") && text.Length <= MaxRegionLength && !text.ContainsAnyExcept(LowerWord);

    private static bool IsRegion(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= MaxRegionLength && !text.ContainsAnyExcept(LowerWord);

    private static bool IsHarnessId(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxHarnessIdLength || !char.IsAsciiLetterOrDigit(text[0])) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')) return false;
        }

        return true;
    }

    private static bool IsName(ReadOnlySpan<char> text, int maxLength)
    {
        if (text.Length == 0 || text.Length > maxLength || !char.IsAsciiLetter(text[0])) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_') return false;
        }

        return true;
    }

    private static bool IsAlphanumeric(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c)) return false;
        }

        return true;
    }
}
