using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Generation.Diagnostics;

/// <summary>
/// Writes the metrics of some meters in Prometheus's text format (version 0.0.4), for /metrics of API and workers: counters as totals,
/// histograms with fixed buckets, gauges with their last value.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly double[] Bounds =
    [
        0.0005,
        0.001,
        0.0025,
        0.005,
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1,
        2.5,
        5,
        10,
        30,
        60,
        120,
        300,
        600,
    ];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<(Instrument Instrument, string Labels), Series> _series = new();

    private readonly ConcurrentDictionary<int, Met> _met = new();

    public PrometheusText(params string[] meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (meters.Contains(instrument.Meter.Name))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Record(i, value, tags));
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Record(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Record(i, value, tags));
        _listener.Start();
    }

    /// <summary>Writes all series, sorted by name, or those of some meters.</summary>
    /// <param name="meters">The meters; null for all.</param>
    public string Write(IReadOnlyCollection<string>? meters = null)
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (
            IGrouping<Instrument, KeyValuePair<(Instrument Instrument, string Labels), Series>> group in _series
                .Where(s => meters is null || meters.Contains(s.Key.Instrument.Meter.Name))
                .GroupBy(s => s.Key.Instrument)
                .OrderBy(g => g.Key.Name, StringComparer.Ordinal)
        )
        {
            string name = NameOf(group.Key);
            text.Append("# HELP ").Append(name).Append(' ').Append(group.Key.Description?.ReplaceLineEndings(" ")).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(KindOf(group.Key)).Append('\n');
            foreach (((_, string labels), Series series) in group.OrderBy(s => s.Key.Labels, StringComparer.Ordinal))
            {
                series.Write(text, name, labels);
            }
        }

        return text.ToString();
    }

    /// <summary>Writes the lines of gauges that are read at this moment, each with a name, a model and a value.</summary>
    public static string Gauges(IReadOnlyList<(string Name, string Model, double Value)> gauges)
    {
        var text = new StringBuilder();
        foreach (IGrouping<string, (string Name, string Model, double Value)> group in gauges.GroupBy(g => g.Name))
        {
            text.Append("# TYPE ").Append(group.Key).Append(" gauge\n");
            foreach ((string name, string model, double value) in group)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}{{model=\"{Escape(model)}\"}} {value}\n");
            }
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = new HashCode();
        hash.Add(instrument);
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            hash.Add(tag.Key);
            hash.Add(tag.Value);
        }

        // Most measurements are of a series that was met before, and need no text put together to find it
        int key = hash.ToHashCode();
        if (!_met.TryGetValue(key, out Met? met) || !met.Is(instrument, tags))
        {
            met = new Met(instrument, tags.ToArray(), _series.GetOrAdd((instrument, LabelsOf(tags)), k => new Series(k.Instrument)));
            _met[key] = met;
        }

        met.Series.Record(value);
    }

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length == 0)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            text.Append(text.Length == 0 ? "" : ",")
                .Append(Clean(tag.Key))
                .Append("=\"")
                .Append(Escape(Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? ""))
                .Append('"');
        }

        return text.ToString();
    }

    private static string NameOf(Instrument instrument)
    {
        string unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        string name = Clean(instrument.Name);
        name = name.EndsWith(unit, StringComparison.Ordinal) ? name : name + unit;
        return KindOf(instrument) == "counter" ? name + "_total" : name;
    }

    private static string KindOf(Instrument instrument)
    {
        Type type = instrument.GetType().GetGenericTypeDefinition();
        return type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? "counter"
            : type == typeof(Histogram<>) ? "histogram"
            : "gauge";
    }

    private static string Clean(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    private static string Escape(string value) => value.Replace("\\", @"\\").Replace("\"", "\\\"").Replace("\n", "\\n");

    private sealed record Met(Instrument Instrument, KeyValuePair<string, object?>[] Tags, Series Series)
    {
        public bool Is(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (instrument != Instrument || tags.Length != Tags.Length)
            {
                return false;
            }

            for (int i = 0; i < tags.Length; i++)
            {
                if (tags[i].Key != Tags[i].Key || !Equals(tags[i].Value, Tags[i].Value))
                {
                    return false;
                }
            }

            return true;
        }
    }

    private sealed class Series(Instrument instrument)
    {
        private readonly Lock _lock = new();
        private readonly string _kind = KindOf(instrument);

        // Observed values and gauges are levels; a counter's and an up-down counter's are changes
        private readonly bool _isLevel = instrument.IsObservable || instrument.GetType().GetGenericTypeDefinition() == typeof(Gauge<>);
        private readonly long[] _buckets = new long[Bounds.Length];
        private double _sum;
        private long _count;

        public void Record(double value)
        {
            lock (_lock)
            {
                _sum = _isLevel ? value : _sum + value;
                _count++;
                int bucket = Array.FindIndex(Bounds, b => value <= b);
                if (_kind == "histogram" && bucket >= 0)
                {
                    _buckets[bucket]++;
                }
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            lock (_lock)
            {
                string braces = labels.Length == 0 ? "" : $"{{{labels}}}";
                if (_kind != "histogram")
                {
                    text.Append(CultureInfo.InvariantCulture, $"{name}{braces} {_sum}\n");
                    return;
                }

                string separator = labels.Length == 0 ? "" : ",";
                long below = 0;
                for (int i = 0; i < Bounds.Length; i++)
                {
                    below += _buckets[i];
                    text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{separator}le=\"{Bounds[i]}\"}} {below}\n");
                }

                text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{separator}le=\"+Inf\"}} {_count}\n");
                text.Append(CultureInfo.InvariantCulture, $"{name}_sum{braces} {_sum}\n{name}_count{braces} {_count}\n");
            }
        }
    }
}
