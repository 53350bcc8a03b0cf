namespace Porthole.Client.Tests;

internal static class Waiting
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    /// <summary>Waits for something that must happen, and says what it was when it does not.</summary>
    public static async Task<T> Within<T>(this Task<T> task, string what)
    {
        try
        {
            return await task.WaitAsync(Bound);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"waited {Bound.TotalSeconds} s for {what}");
        }
    }


    public static Task Within(this Task task, string what) => Wrap(task).Within(what);

    private static async Task<bool> Wrap(Task task)
    {
        await task;
        return true;
    }

    public static Task<ShellMessage> NextAsync(this ShellConnection shell) => shell.ReadAsync().AsTask().Within("a message from the shell");

    /// <summary>The next message, which must be this notice.</summary>
    public static async Task<T> NextAsync<T>(this ShellConnection shell)
        where T : ShellNotice
    {
        var message = await shell.NextAsync();
        return Assert.IsType<T>(message.Notice);
    }

    /// <summary>Reads output until it holds as many characters as the text, and compares.</summary>
    public static async Task PrintsAsync(this ShellConnection shell, string text)
    {
        var printed = new List<byte>();
        while (printed.Count < text.Length)
        {
            var message = await shell.NextAsync();
            Assert.Null(message.Notice);
            printed.AddRange(message.Output.Span);
        }

        Assert.Equal(text, System.Text.Encoding.UTF8.GetString([.. printed]));
    }
}
