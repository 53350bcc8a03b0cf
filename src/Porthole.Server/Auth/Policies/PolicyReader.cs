using System.Text.Json;

namespace Porthole.Server.Auth.Policies;

/// <summary>Reads the JSON of a policy and refuses every member, operator and form that it does not know.</summary>
internal static class PolicyReader
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>Reads a policy.</summary>
    /// <param name="json">The policy.</param>
    /// <param name="resourceArn">The resource that carries it; null for the policy of a principal.</param>
    /// <exception cref="PolicyException">It is none, or says something that is not supported.</exception>
    internal static IReadOnlyList<PolicyStatement> Read(string json, string? resourceArn)
    {
        if (json.Length > Policy.MaxLength) throw new PolicyException($"The policy has {json.Length} characters; {Policy.MaxLength} are the most.");
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return ReadPolicy(document.RootElement, resourceArn);
        }
        catch (JsonException e)
        {
            throw new PolicyException($"The policy is no valid JSON: {e.Message}");
        }
    }

    private static IReadOnlyList<PolicyStatement> ReadPolicy(JsonElement policy, string? resourceArn)
    {
        Require(policy.ValueKind == JsonValueKind.Object, "The policy is no JSON object.");
        CheckMembers(policy, "The policy", "Version", "Id", "Statement");

        // Both versions of the language mean the same here: what differs are variables, which are refused in either.
        if (policy.TryGetProperty("Version", out var version))
            Require(version.ValueKind == JsonValueKind.String && version.GetString() is "2012-10-17" or "2008-10-17", "Version is neither 2012-10-17 nor 2008-10-17.");
        Require(policy.TryGetProperty("Statement", out var statements), "The policy has no Statement.");
        if (statements.ValueKind == JsonValueKind.Object) return [ReadStatement(statements, resourceArn)];
        Require(statements.ValueKind == JsonValueKind.Array, "Statement is neither an object nor a list.");
        return [.. statements.EnumerateArray().Select(statement => ReadStatement(statement, resourceArn))];
    }

    private static PolicyStatement ReadStatement(JsonElement statement, string? resourceArn)
    {
        Require(statement.ValueKind == JsonValueKind.Object, "A statement is no JSON object.");
        CheckMembers(
            statement, "A statement", resourceArn is null
                ? ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"]
                : ["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition"]);
        Require(statement.TryGetProperty("Effect", out var effect) && effect.ValueKind == JsonValueKind.String && effect.GetString() is "Allow" or "Deny", "Effect is neither Allow nor Deny.");
        var (actions, exceptActions) = ReadEither(statement, "Action", "NotAction");
        var (resources, exceptResources) = ReadEither(statement, "Resource", "NotResource");
        if (resourceArn is not null)
            Require(resources is [var only] && only == resourceArn, $"Resource has to be the resource that carries the policy: {resourceArn}.");
        return new PolicyStatement
        {
            Denies = effect.GetString() == "Deny",
            Actions = [.. actions.Select(ReadAction)],
            ExceptActions = exceptActions,
            Resources = [.. resources.Select(ArnPattern.Parse)],
            ExceptResources = exceptResources,
            Principals = resourceArn is null ? null : ReadPrincipals(statement),
            Conditions = statement.TryGetProperty("Condition", out var conditions) ? ReadConditions(conditions) : [],
        };
    }

    private static (IReadOnlyList<string> Values, bool Negated) ReadEither(JsonElement statement, string name, string negatedName)
    {
        var negated = statement.TryGetProperty(negatedName, out var values);
        var plain = statement.TryGetProperty(name, out var plainValues);
        Require(negated != plain, $"A statement has either {name} or {negatedName}.");
        return (ReadTexts(negated ? values : plainValues, negated ? negatedName : name), negated);
    }

    private static WildcardPattern ReadAction(string action)
    {
        var colon = action.IndexOf(':');
        Require(
            action == "*" || (colon > 0 && colon < action.Length - 1 && action.AsSpan(0, colon).IndexOfAny('*', '?') < 0),
            $"The action '{action}' is neither '*' nor SERVICE:NAME with wildcards in the name only.");
        return new WildcardPattern(action);
    }

    private static PolicyPrincipals ReadPrincipals(JsonElement statement)
    {
        Require(statement.TryGetProperty("Principal", out var principal), "A statement of a resource's policy needs a Principal.");
        if (principal.ValueKind == JsonValueKind.String)
        {
            Require(principal.GetString() == "*", "Principal is neither \"*\" nor {\"AWS\": …}.");
            return PolicyPrincipals.Everybody;
        }

        Require(principal.ValueKind == JsonValueKind.Object && principal.TryGetProperty("AWS", out _), "Principal is neither \"*\" nor {\"AWS\": …}.");
        CheckMembers(principal, "Principal", "AWS");
        return PolicyPrincipals.Parse(ReadTexts(principal.GetProperty("AWS"), "Principal"));
    }

    private static List<PolicyCondition> ReadConditions(JsonElement conditions)
    {
        Require(conditions.ValueKind == JsonValueKind.Object, "Condition is no JSON object.");
        var read = new List<PolicyCondition>();
        foreach (var @operator in conditions.EnumerateObject())
        {
            Require(@operator.Value.ValueKind == JsonValueKind.Object, $"The condition {@operator.Name} is no JSON object.");
            read.AddRange(@operator.Value.EnumerateObject().Select(key => PolicyCondition.Parse(@operator.Name, key.Name, ReadTexts(key.Value, key.Name))));
        }

        return read;
    }

    // Variables are for identities that this server does not have; as plain text they would mean something else than their author does.
    private static IReadOnlyList<string> ReadTexts(JsonElement element, string name)
    {
        IReadOnlyList<string> texts = element.ValueKind switch
        {
            JsonValueKind.String => [element.GetString()!],
            JsonValueKind.True or JsonValueKind.False => [element.GetBoolean() ? "true" : "false"],
            JsonValueKind.Array when element.GetArrayLength() > 0 && element.EnumerateArray().All(static item => item.ValueKind == JsonValueKind.String) =>
                [.. element.EnumerateArray().Select(static item => item.GetString()!)],
            _ => throw new PolicyException($"{name} is neither a text nor a list of one or more texts."),
        };
        Require(!texts.Any(static text => text.Contains("${", StringComparison.Ordinal)), $"{name} has a policy variable, which is not supported.");
        Require(texts.All(static text => text.Length > 0), $"{name} has an empty text.");
        return texts;
    }

    private static void CheckMembers(JsonElement element, string what, params ReadOnlySpan<string> known)
    {
        foreach (var member in element.EnumerateObject())
        {
            if (!known.Contains(member.Name)) throw new PolicyException($"{what} has the member '{member.Name}', which is not supported here.");
        }
    }

    private static void Require(bool holds, string message)
    {
        if (!holds) throw new PolicyException(message);
    }
}
