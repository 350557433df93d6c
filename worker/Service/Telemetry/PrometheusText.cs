using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Generation.Worker.Telemetry;

/// <summary>
/// Sums up the counters and gauges of one meter and writes them in Prometheus' text format (version 0.0.4).
/// The exporter packages for it do not restore.
/// </summary>
internal sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<(string Instrument, string Labels), double> _values = new();
    private readonly ConcurrentDictionary<string, Instrument> _instruments = new(StringComparer.Ordinal);

    public PrometheusText(string meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == meter)
            {
                _instruments[instrument.Name] = instrument;
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Record(instrument, value, labels));
        _listener.SetMeasurementEventCallback<int>((instrument, value, labels, _) => Record(instrument, value, labels));
        _listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => Record(instrument, value, labels));
        _listener.Start();
    }

    public override string ToString()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (Instrument instrument in _instruments.Values.OrderBy(i => i.Name, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {instrument.Name} {instrument.Description}\n");
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {instrument.Name} {(IsGauge(instrument) ? "gauge" : "counter")}\n");
            foreach (((string _, string labels), double value) in _values.Where(v => v.Key.Instrument == instrument.Name).OrderBy(v => v.Key.Labels, StringComparer.Ordinal))
            {
                text.Append(CultureInfo.InvariantCulture, $"{instrument.Name}{labels} {value}\n");
            }
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private static bool IsGauge(Instrument instrument) => instrument.IsObservable;

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var text = new StringBuilder();
        foreach ((string name, object? label) in labels)
        {
            string escaped = $"{label}".Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            text.Append(text.Length == 0 ? '{' : ',').Append(name).Append("=\"").Append(escaped).Append('"');
        }

        if (text.Length > 0)
        {
            text.Append('}');
        }

        _values.AddOrUpdate((instrument.Name, text.ToString()), value, (_, before) => IsGauge(instrument) ? value : before + value);
    }
}
