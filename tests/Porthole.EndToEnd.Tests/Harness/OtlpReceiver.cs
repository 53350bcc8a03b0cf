using System.Collections.Concurrent;
using System.Net;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>A collector: takes OTLP over HTTP (opentelemetry.io/docs/specs/otlp) and keeps what it got. Field numbers are those of opentelemetry-proto.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<OtlpSpan> _spans = new();
    private readonly ConcurrentDictionary<string, OtlpPoint> _points = new();
    private readonly Task _loop;

    public OtlpReceiver()
    {
        var port = TestServer.FreePort();
        Url = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _loop = ReceiveAsync();
    }

    public string Url { get; }

    public IReadOnlyCollection<OtlpSpan> Spans => _spans;

    /// <summary>The resource's attributes of the last export.</summary>
    public IReadOnlyDictionary<string, string> Resource { get; private set; } = new Dictionary<string, string>();

    /// <summary>The last value of a metric's point: its sum, or the count of a histogram.</summary>
    public OtlpPoint? Point(string metric, string attribute = "", string value = "") =>
        _points.Values.FirstOrDefault(point => point.Metric == metric && (attribute.Length == 0 || point.Attributes.GetValueOrDefault(attribute) == value));

    public IEnumerable<string> Metrics => _points.Values.Select(point => point.Metric).Distinct();

    public async Task<OtlpSpan> SpanAsync(string name, Func<OtlpSpan, bool>? which = null)
    {
        await Patience.UntilAsync($"the span '{name}'", () => Find() is not null);
        return Find()!;
        OtlpSpan? Find() => Spans.FirstOrDefault(span => span.Name == name && which?.Invoke(span) != false);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _loop;
        _listener.Close();
    }

    private async Task ReceiveAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            var export = new ProtoMessage(body.ToArray());
            if (context.Request.Url!.AbsolutePath == "/v1/traces")
                KeepSpans(export);
            else if (context.Request.Url.AbsolutePath == "/v1/metrics")
                KeepMetrics(export);
            else
                context.Response.StatusCode = 404;
            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }

    private void KeepSpans(ProtoMessage export)
    {
        foreach (var resource in export.Messages(1))
        {
            Resource = Attributes(resource.Messages(1).Single(), 1);
            foreach (var span in resource.Messages(2).SelectMany(scope => scope.Messages(2)))
            {
                _spans.Enqueue(new OtlpSpan(span.Text(5), span.Hex(1), span.Hex(2), span.Hex(4), Attributes(span, 9),
                    [.. span.Messages(11).Select(item => item.Text(2))], [.. span.Messages(13).Select(link => link.Hex(2))]));
            }
        }
    }

    private void KeepMetrics(ProtoMessage export)
    {
        foreach (var metric in export.Messages(1).SelectMany(resource => resource.Messages(2)).SelectMany(scope => scope.Messages(2)))
        {
            foreach (var point in new[] { 5, 7 }.SelectMany(metric.Messages).SelectMany(data => data.Messages(1)))
                Keep(new OtlpPoint(metric.Text(1), metric.Text(3), Attributes(point, 7), point.Has(6) ? point.Integer(6) : point.Double(4), null));
            foreach (var point in metric.Messages(9).SelectMany(data => data.Messages(1)))
                Keep(new OtlpPoint(metric.Text(1), metric.Text(3), Attributes(point, 9), point.Integer(4), point.Double(5)));
        }
    }

    private void Keep(OtlpPoint point) =>
        _points[point.Metric + string.Concat(point.Attributes.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $" {pair.Key}={pair.Value}"))] = point;

    private static Dictionary<string, string> Attributes(ProtoMessage owner, int number) =>
        owner.Messages(number).ToDictionary(pair => pair.Text(1), pair => pair.Messages(2).Select(Value).FirstOrDefault(""));

    private static string Value(ProtoMessage value) => value.Has(1) ? value.Text(1) : value.Integer(3).ToString();
}

/// <summary>A span as a collector sees it; ids in hex.</summary>
internal sealed record OtlpSpan(
    string Name, string TraceId, string SpanId, string ParentId, IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<string> Events, IReadOnlyList<string> LinkedSpans);

/// <summary>One point of a metric: the value, or the count of a histogram with its sum.</summary>
internal sealed record OtlpPoint(string Metric, string Unit, IReadOnlyDictionary<string, string> Attributes, double Value, double? Sum);
