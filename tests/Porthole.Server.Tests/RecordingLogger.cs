using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Porthole.Server.Tests;

/// <summary>Keeps every line, and lets a test wait for one.</summary>
internal sealed class RecordingLogger<T> : ILogger<T>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly Channel<bool> _written = Channel.CreateUnbounded<bool>();

    internal IReadOnlyCollection<string> Lines => _lines;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _lines.Enqueue($"{formatter(state, exception)} {exception}");
        _written.Writer.TryWrite(true);
    }

    internal async Task WaitForAsync(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            while (!_lines.Any(line => line.Contains(text, StringComparison.Ordinal))) await _written.Reader.ReadAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"No line with '{text}' among:\n{string.Join('\n', _lines)}");
        }
    }
}
