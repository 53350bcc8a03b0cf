using System.Text;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>Lines that a process writes, kept for the report of a failure; a test can wait for one of them.</summary>
internal sealed class ProcessLog
{
    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();
    private bool _ended;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Text
    {
        get
        {
            lock (_lock)
                return _text.ToString();
        }
    }

    /// <summary>Reads a stream to its end.</summary>
    public async Task FollowAsync(StreamReader lines)
    {
        lock (_lock)
            _ended = false;
        while (await lines.ReadLineAsync() is { } line)
            Add(line + "\n");
        Add("", ended: true);
    }

    /// <summary>Waits until a text is in the log.</summary>
    /// <param name="text">The text.</param>
    /// <param name="from">Length of the log before which nothing counts.</param>
    public async Task WaitForAsync(string text, int from = 0)
    {
        using var deadline = Patience.Deadline();
        while (true)
        {
            Task grown;
            lock (_lock)
            {
                if (_text.ToString(from, _text.Length - from).Contains(text, StringComparison.Ordinal))
                    return;
                if (_ended)
                    throw new InvalidOperationException($"the process ended without saying '{text}':\n{_text}");
                grown = _grown.Task;
            }

            await grown.WaitAsync(deadline.Token);
        }
    }

    private void Add(string line, bool ended = false)
    {
        TaskCompletionSource grown;
        lock (_lock)
        {
            _text.Append(line);
            _ended = ended;
            (grown, _grown) = (_grown, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        grown.SetResult();
    }
}
