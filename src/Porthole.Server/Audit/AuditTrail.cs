using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Porthole.Server.Shells;
using Porthole.Server.Store;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Audit;

/// <summary>
/// Who did what, one line of JSON each (docs/audit.md). Adding a line waits for nothing: lines wait in memory, up to a bound, for a writer of
/// their own. While the disk refuses, it tries again; lines for which there is no room are counted, and the count goes to the log.
/// </summary>
internal sealed class AuditTrail : IAsyncDisposable
{
    /// <summary>Bytes that may wait. Some 8,000 calls.</summary>
    internal const int MaxWaitingBytes = 8 * 1024 * 1024;

    // What is written at once; a batch that fails is written again as a whole.
    private const int MaxBatchBytes = 256 * 1024;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(30);

    private readonly AuditLine _format;
    private readonly AuditFiles? _files;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<ReadOnlyMemory<byte>> _lines = Channel.CreateUnbounded<ReadOnlyMemory<byte>>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _loop;
    private int _waitingBytes;
    private long _dropped;

    public AuditTrail(ServerOptions options, DataDirectory data, TimeProvider time, ILogger<AuditTrail> log)
    {
        (_time, _log) = (time, log);
        _format = new AuditLine(options);
        if (options.Audit.Enabled)
            _files = new AuditFiles(data.AuditPath, options.Audit, time);
        _loop = _files is null ? Task.CompletedTask : Task.Run(WriteUntilStoppedAsync);
    }

    /// <summary>A call was answered.</summary>
    public void Add(ApiCall call)
    {
        if (_files is not null)
            Add(_format.Call(call));
    }

    /// <summary>The connection that a call became has ended.</summary>
    public void AddEnd(ApiCall call, ShellConnectionEnd end)
    {
        if (_files is not null)
            Add(_format.ShellEnd(call, end, _time.GetUtcNow()));
    }

    /// <summary>A session has ended.</summary>
    public void AddEnd(SessionRecord session, string runtimeArn, SessionEnd end)
    {
        if (_files is not null)
            Add(_format.SessionEnd(session, runtimeArn, end, _time.GetUtcNow()));
    }

    /// <summary>Writes what waits, with one try, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _stopping.CancelAsync();
        await _loop;
        _files?.Dispose();
        _stopping.Dispose();
    }

    private void Add(ReadOnlyMemory<byte> line)
    {
        if (Interlocked.Add(ref _waitingBytes, line.Length) <= MaxWaitingBytes && _lines.Writer.TryWrite(line))
            return;
        Interlocked.Add(ref _waitingBytes, -line.Length);
        Instruments.AuditDropped.Add(1);
        if (Interlocked.Increment(ref _dropped) == 1)
            AuditLog.Dropping(_log, MaxWaitingBytes);
    }

    private async Task WriteUntilStoppedAsync()
    {
        var batch = new ArrayBufferWriter<byte>(4096);
        while (await _lines.Reader.WaitToReadAsync())
        {
            var count = 0;
            for (; batch.WrittenCount < MaxBatchBytes && _lines.Reader.TryRead(out var line); count++)
                batch.Write(line.Span);
            await WriteAsync(batch.WrittenMemory, count);
            Interlocked.Add(ref _waitingBytes, -batch.WrittenCount);
            batch.ResetWrittenCount();
            if (Interlocked.Exchange(ref _dropped, 0) is var dropped and > 0)
                AuditLog.Dropped(_log, dropped);
        }
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> lines, int count)
    {
        var failed = false;
        for (var delay = FirstDelay; ; delay = delay * 2 < MaxDelay ? delay * 2 : MaxDelay)
        {
            try
            {
                _files!.Append(lines.Span);
                if (failed)
                    AuditLog.WriteRecovered(_log, _files.Directory);
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (!failed)
                    AuditLog.WriteFailed(_log, e, _files!.Directory);
                failed = true;
            }

            if (!await PauseAsync(delay))
            {
                AuditLog.Lost(_log, count);
                return;
            }
        }
    }

    private async Task<bool> PauseAsync(TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay, _time, _stopping.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
