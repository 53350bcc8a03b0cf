using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Porthole.Server.Auth.Policies;

namespace Porthole.Server.Tests.Auth.Policies;

/// <summary>Random policies against the rules of IAM's evaluation, written down once more as slowly and plainly as can be.</summary>
public sealed class PolicyPropertyTests
{
    private static readonly string[] Actions = ["x:Read", "x:Write", "x:ReadMore", "y:Read"];
    private static readonly string[] ActionPatterns = ["*", "x:*", "x:Read", "x:read*", "X:WRITE", "x:?ead", "y:*", "z:Nothing"];
    private static readonly string[] Arns = ["arn:p:s:r:1:thing/a", "arn:p:s:r:1:thing/a/part/b", "arn:p:s:q:1:thing/a", "arn:p:s:r:1:other"];
    private static readonly string[] ArnPatterns = ["*", "arn:p:s:r:1:thing/a", "arn:p:s:r:1:thing/*", "arn:p:s:?:1:thing/a", "arn:*:*:*:*:*", "arn:p:s:r:1:*a*", "arn:p:s:*:thing/a:1"];

    /// <summary>A statement as its author would say it.</summary>
    public sealed record Sentence(bool Denies, bool NotAction, string[] Actions, bool NotResource, string[] Resources, string[]? Users, bool NotUsers);

    private static readonly Gen<Sentence> Sentences =
        from denies in Gen.Frequency((1, Gen.Constant(true)), (3, Gen.Constant(false)))
        from notAction in Gen.Elements(true, false)
        from actions in Gen.NonEmptyListOf(Gen.Elements(ActionPatterns))
        from notResource in Gen.Elements(true, false)
        from resources in Gen.NonEmptyListOf(Gen.Elements(ArnPatterns))
        from users in Gen.OneOf(Gen.Constant<string[]?>(null), Gen.NonEmptyListOf(Gen.Elements("ann", "bob")).Select(list => (string[]?)[.. list]))
        from notUsers in Gen.Elements(true, false)
        select new Sentence(denies, notAction, [.. actions], notResource, [.. resources], users, notUsers);

    [Property(MaxTest = 3000)]
    public Property The_verdict_is_that_of_the_plain_rules() =>
        Prop.ForAll(
            Gen.NonEmptyListOf(Sentences).ToArbitrary(), Gen.Elements(Actions).ToArbitrary(), Gen.Elements(Arns).ToArbitrary(),
            (sentences, action, arn) => new[] { "ann", "bob", null }.All(user =>
            {
                var keys = new Dictionary<string, string>();
                if (user is not null) keys["aws:username"] = user;
                var verdict = Policy.ParseForPrincipal(Json(sentences)).Evaluate(new PolicyRequest(action, null, null, keys), arn);
                return verdict == Expected(sentences, action, arn, user);
            }));

    private static PolicyVerdict Expected(IEnumerable<Sentence> sentences, string action, string arn, string? user)
    {
        var speaking = sentences.Where(sentence =>
            sentence.Actions.Any(pattern => Fits(pattern, action, RegexOptions.IgnoreCase)) != sentence.NotAction
            && sentence.Resources.Any(pattern => FitsArn(pattern, arn)) != sentence.NotResource
            && (sentence.Users is null || sentence.Users.Any(name => name == user) != sentence.NotUsers)).ToList();
        if (speaking.Any(sentence => sentence.Denies)) return PolicyVerdict.Deny;
        return speaking.Count > 0 ? PolicyVerdict.Allow : PolicyVerdict.None;
    }

    private static bool FitsArn(string pattern, string arn) =>
        pattern == "*" || pattern.Split(':', 6).Zip(arn.Split(':', 6)).All(parts => Fits(parts.First, parts.Second, RegexOptions.None));

    private static bool Fits(string pattern, string text, RegexOptions options) =>
        Regex.IsMatch(text, "^" + Regex.Escape(pattern).Replace("\\*", ".*").Replace("\\?", ".") + "$", options);

    private static string Json(IEnumerable<Sentence> sentences) => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["Version"] = "2012-10-17",
        ["Statement"] = sentences.Select(sentence =>
        {
            var statement = new Dictionary<string, object>
            {
                ["Effect"] = sentence.Denies ? "Deny" : "Allow",
                [sentence.NotAction ? "NotAction" : "Action"] = sentence.Actions.Length == 1 ? sentence.Actions[0] : sentence.Actions,
                [sentence.NotResource ? "NotResource" : "Resource"] = sentence.Resources,
            };
            if (sentence.Users is { } users)
                statement["Condition"] = new Dictionary<string, object> { [sentence.NotUsers ? "StringNotEquals" : "StringEquals"] = new Dictionary<string, object> { ["aws:username"] = users } };
            return statement;
        }).ToArray(),
    });
}
