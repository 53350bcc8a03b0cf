using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.RegularExpressions;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;

namespace Porthole.Server.Control;

/// <summary>What a text of a request may be.</summary>
/// <param name="Min">Shortest length in characters.</param>
/// <param name="Max">Longest length in characters.</param>
/// <param name="Pattern">What it has to match as a whole, if anything.</param>
/// <param name="Meaning">The pattern in words, behind "must be".</param>
internal sealed record TextRule(int Min, int Max, Regex? Pattern = null, string? Meaning = null)
{
    public bool Allows(string text) => text.Length >= Min && text.Length <= Max && (Pattern is null || Pattern.IsMatch(text));

    public override string ToString()
    {
        var length = Min == Max ? $"{Max} characters" : $"{Min} to {Max} characters";
        return Meaning is null ? $"{length} long" : $"{Meaning}, {length} long";
    }
}

/// <summary>
/// Reads the members of a JSON object, and collects what is wrong with them under the names that the client gave them, so that one answer
/// tells all of it. Unknown members are ignored, and a null is as good as none.
/// </summary>
internal sealed class RequestFields
{
    private readonly JsonElement _object;
    private readonly string _path;
    private readonly List<AwsFieldError> _errors;

    private RequestFields(JsonElement element, string path, List<AwsFieldError> errors) => (_object, _path, _errors) = (element, path, errors);

    /// <summary>Reads a body; an empty one is an object without members.</summary>
    /// <exception cref="AwsException">It is no JSON object.</exception>
    public static RequestFields Parse(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
            return new RequestFields(JsonElement.Parse("{}"u8), "", []);
        try
        {
            var root = JsonElement.Parse(body.Span);
            return root.ValueKind == JsonValueKind.Object ? new RequestFields(root, "", []) : throw new AwsException(AwsError.CannotParse("The body is not a JSON object."));
        }
        catch (JsonException e)
        {
            throw new AwsException(AwsError.CannotParse($"The body is not valid JSON: {e.Message}"));
        }
    }

    /// <summary>Whether a member is there.</summary>
    public bool Has(string name) => TryGet(name, out _);

    /// <summary>A text, or null when it is not there.</summary>
    public string? Text(string name, TextRule rule)
    {
        if (!TryGet(name, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && rule.Allows(text))
            return text;
        Fail(name, $"must be a text, {rule}");
        return null;
    }

    /// <summary>A text that has to be there; empty when it is wrong.</summary>
    public string RequiredText(string name, TextRule rule) => Require(name) ? Text(name, rule) ?? "" : "";

    /// <summary>One of a few words, or null when it is not there.</summary>
    public string? Word(string name, params ReadOnlySpan<string> words)
    {
        if (!TryGet(name, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.String && words.Contains(value.GetString()))
            return value.GetString();
        Fail(name, $"must be {Join(words)}");
        return null;
    }

    /// <summary>A whole number within bounds, or null when it is not there.</summary>
    public int? Number(string name, int min, int max)
    {
        if (!TryGet(name, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min && number <= max)
            return number;
        Fail(name, $"must be a whole number, {min} to {max}");
        return null;
    }

    /// <summary>True or false, or null when it is not there.</summary>
    public bool? Flag(string name)
    {
        if (!TryGet(name, out var value))
            return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();
        Fail(name, "must be true or false");
        return null;
    }

    /// <summary>An object, or null when it is not there.</summary>
    public RequestFields? Object(string name)
    {
        if (!TryGet(name, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Object)
            return new RequestFields(value, PathOf(name), _errors);
        Fail(name, "must be an object");
        return null;
    }

    /// <summary>An object that has to be there; null when it is not, which is an error.</summary>
    public RequestFields? RequiredObject(string name) => Require(name) ? Object(name) : null;

    /// <summary>Texts, or null when they are not there.</summary>
    public IReadOnlyList<string>? Texts(string name, int min, int max, TextRule rule)
    {
        if (Elements(name, min, max) is not { } elements)
            return null;
        var texts = new List<string>();
        foreach (var (i, element) in elements.Index())
        {
            if (element.ValueKind == JsonValueKind.String && element.GetString() is { } text && rule.Allows(text))
                texts.Add(text);
            else
                Fail($"{name}[{i}]", $"must be a text, {rule}");
        }

        return texts;
    }

    /// <summary>Objects, or null when they are not there.</summary>
    public IReadOnlyList<RequestFields>? Objects(string name, int min, int max)
    {
        if (Elements(name, min, max) is not { } elements)
            return null;
        foreach (var (i, element) in elements.Index())
        {
            if (element.ValueKind != JsonValueKind.Object)
                Fail($"{name}[{i}]", "must be an object");
        }

        return [.. elements.Index().Where(static pair => pair.Item.ValueKind == JsonValueKind.Object)
            .Select(pair => new RequestFields(pair.Item, $"{PathOf(name)}[{pair.Index}]", _errors))];
    }

    /// <summary>Texts by their names, in the order of the names; null when they are not there.</summary>
    public SortedDictionary<string, string>? Map(string name, int max, TextRule keys, TextRule values)
    {
        if (Object(name) is not { } map)
            return null;
        var texts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in map._object.EnumerateObject())
        {
            if (!keys.Allows(member.Name))
                Fail(name, $"has the key '{member.Name}'; a key must be {keys}");
            else if (member.Value.ValueKind == JsonValueKind.String && member.Value.GetString() is { } text && values.Allows(text))
                texts[member.Name] = text;
            else
                map.Fail(member.Name, $"must be a text, {values}");
        }

        if (texts.Count > max)
            Fail(name, $"has {texts.Count} entries; {max} are allowed");
        return texts;
    }

    /// <summary>Notes that a member is wrong.</summary>
    /// <param name="name">The member.</param>
    /// <param name="problem">What follows its name in the message, without a full stop.</param>
    public void Fail(string name, string problem) => _errors.Add(new AwsFieldError(PathOf(name), $"{PathOf(name)} {problem}."));

    /// <summary>Ends the request when anything was wrong.</summary>
    /// <exception cref="AwsException">It was.</exception>
    public void ThrowIfWrong()
    {
        if (_errors.Count > 0)
            throw new AwsException(AwsError.InvalidFields(_errors));
    }

    private bool Require(string name)
    {
        if (Has(name))
            return true;
        Fail(name, "is required");
        return false;
    }

    private IReadOnlyList<JsonElement>? Elements(string name, int min, int max)
    {
        if (!TryGet(name, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() is var length && length >= min && length <= max)
            return [.. value.EnumerateArray()];
        Fail(name, $"must be a list of {min} to {max}");
        return null;
    }

    private bool TryGet(string name, [NotNullWhen(true)] out JsonElement value) => _object.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    private string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    private static string Join(ReadOnlySpan<string> words) =>
        words.Length == 1 ? words[0] : $"{string.Join(", ", words[..^1].ToArray())} or {words[^1]}";
}
