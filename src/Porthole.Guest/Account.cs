using System.Globalization;

namespace Porthole.Guest;

/// <summary>A user of an image, looked up in its own files: a static program has no name service.</summary>
/// <param name="Name">The user's name; null for one that the image does not know.</param>
/// <param name="UserId">The user id.</param>
/// <param name="GroupId">The group id.</param>
/// <param name="Groups">The supplementary groups, the group itself among them as initgroups(3) has it.</param>
/// <param name="Home">The home directory; "/" for a user that the image does not know.</param>
internal sealed record Account(string? Name, uint UserId, uint GroupId, uint[] Groups, string Home)
{
    /// <summary>Finds an account by the User of an image; null when it names somebody that does not exist.</summary>
    /// <param name="user">user, uid, user:group, uid:gid, uid:group or user:gid; empty for root.</param>
    /// <param name="passwd">Lines of passwd(5).</param>
    /// <param name="group">Lines of group(5).</param>
    public static Account? Find(string user, IReadOnlyList<string> passwd, IReadOnlyList<string> group)
    {
        var (userName, groupName) = user.IndexOf(':', StringComparison.Ordinal) is var colon and >= 0 ? (user[..colon], user[(colon + 1)..]) : (user, "");
        if (userName.Length == 0)
            userName = "0";

        // A name first, as the image may have a user who is called by a number.
        var entry = Entries(passwd, 7).FirstOrDefault(fields => fields[0] == userName)
            ?? (Id(userName) is { } wanted ? Entries(passwd, 7).FirstOrDefault(fields => Id(fields[2]) == wanted) : null);
        if ((entry is null ? Id(userName) : Id(entry[2])) is not { } userId)
            return null;
        var home = entry is { } known && known[5].StartsWith('/') ? known[5] : "/";
        if (groupName.Length > 0)
            return GroupOf(groupName, group) is { } named ? new Account(entry?[0], userId, named, [named], home) : null;
        uint[] groups = entry is null ? [] : [.. Entries(group, 4).Where(fields => fields[3].Split(',').Contains(entry[0])).Select(fields => Id(fields[2])).OfType<uint>()];
        var primary = entry is null ? 0 : Id(entry[3]) ?? 0;
        return new Account(entry?[0], userId, primary, [primary, .. groups.Where(group => group != primary)], home);
    }

    private static uint? GroupOf(string name, IReadOnlyList<string> group) =>
        Entries(group, 4).Where(fields => fields[0] == name).Select(fields => Id(fields[2])).FirstOrDefault() ?? Id(name);

    private static IEnumerable<string[]> Entries(IReadOnlyList<string> lines, int fields) => lines.Select(line => line.Split(':')).Where(parts => parts.Length >= fields);

    private static uint? Id(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id < int.MaxValue ? id : null;
}
