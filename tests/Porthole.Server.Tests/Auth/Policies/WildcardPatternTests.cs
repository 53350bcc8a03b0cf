using System.Diagnostics;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Porthole.Server.Auth.Policies;

namespace Porthole.Server.Tests.Auth.Policies;

public sealed class WildcardPatternTests
{
    // Few letters, so that much matches.
    private static Gen<string> TextOf(string alphabet, int longest) =>
        Gen.Choose(0, longest).SelectMany(length => Gen.ArrayOf(Gen.Elements(alphabet.ToCharArray()), length)).Select(letters => new string(letters));

    [Property(MaxTest = 5000)]
    public Property A_pattern_matches_what_the_same_regular_expression_matches() =>
        Prop.ForAll(TextOf("ab*?B", 8).ToArbitrary(), TextOf("abB", 12).ToArbitrary(), (pattern, text) =>
        {
            var expression = "^" + Regex.Escape(pattern).Replace("\\*", ".*").Replace("\\?", ".") + "$";
            return new WildcardPattern(pattern).Matches(text) == Regex.IsMatch(text, expression, RegexOptions.NonBacktracking)
                && new WildcardPattern(pattern).Matches(text, ignoreCase: true) == Regex.IsMatch(text, expression, RegexOptions.NonBacktracking | RegexOptions.IgnoreCase);
        });

    [Fact]
    public void A_hostile_pattern_takes_no_time()
    {
        var pattern = new WildcardPattern(string.Concat(Enumerable.Repeat("a*", 5000)) + "b");
        var watch = Stopwatch.StartNew();
        Assert.False(pattern.Matches(new string('a', 20_000)));

        // A backtracking matcher would not end before the universe does.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), watch.Elapsed.ToString());
    }

    [Theory]
    [InlineData("*", "arn:aws:x:y:z:w", true)]
    [InlineData("arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/a-*", "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/a-1/runtime-endpoint/D", true)]
    [InlineData("arn:aws:bedrock-agentcore:*:*:runtime/?-1", "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/a-1", true)]
    [InlineData("arn:aws:bedrock-agentcore:*:runtime:*:*", "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/a-1", false)]
    [InlineData("arn:*:*:*:*:*", "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/a-1", true)]
    [InlineData("arn:aws:bedrock-agentcore:us-east-1:000000000000:Runtime/*", "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/a-1", false)]
    public void A_wildcard_stays_in_its_part_of_the_ARN(string pattern, string arn, bool matches) => Assert.Equal(matches, ArnPattern.Parse(pattern).Matches(arn));

    [Theory]
    [InlineData("")]
    [InlineData("arn:aws:*")]
    [InlineData("runtime/a")]
    [InlineData("*:*:*:*:*:*")]
    public void What_is_no_ARN_is_refused(string pattern) => Assert.Throws<PolicyException>(() => ArnPattern.Parse(pattern));
}
