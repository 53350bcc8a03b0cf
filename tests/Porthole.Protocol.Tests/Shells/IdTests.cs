using System.Text.RegularExpressions;
using FsCheck.Xunit;
using Porthole.Protocol.Shells;

namespace Porthole.Protocol.Tests.Shells;

public partial class IdTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("0_-Z", true)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("_a", false)]
    [InlineData("a.b", false)]
    [InlineData("a/b", false)]
    [InlineData("a\n", false)]
    [InlineData("ä", false)]
    public void A_shell_id_is_letters_digits_underscores_and_dashes(string id, bool valid) => Assert.Equal(valid, ShellId.IsValid(id));

    [Fact]
    public void Lengths_are_those_of_the_service()
    {
        Assert.True(ShellId.IsValid(new string('a', 128)));
        Assert.False(ShellId.IsValid(new string('a', 129)));
        Assert.False(SessionId.IsValid(new string('a', 32)));
        Assert.True(SessionId.IsValid(new string('a', 33)));
        Assert.True(SessionId.IsValid(new string('a', 256)));
        Assert.False(SessionId.IsValid(new string('a', 257)));
    }

    [Fact]
    public void Made_ids_are_valid_and_new()
    {
        Assert.True(SessionId.IsValid(SessionId.NewId()));
        Assert.True(ShellId.IsValid(ShellId.NewId()));
        Assert.NotEqual(SessionId.NewId(), SessionId.NewId());
    }

    [Property(MaxTest = 2000)]
    public void The_scanner_agrees_with_the_SDKs_expression(string? id) =>
        Assert.Equal(SdkShellId().IsMatch(id ?? ""), ShellId.IsValid(id ?? ""));

    [GeneratedRegex(@"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}\z")]
    private static partial Regex SdkShellId();
}
