using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace MiniMaxSharp.Serving;

/// <summary>Collects the instruments of all meters of one name and writes them in the Prometheus text format (version 0.0.4).</summary>
internal sealed class PrometheusText : IDisposable
{
    private static readonly double[] defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly MeterListener listener = new();
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, Family> families = new(StringComparer.Ordinal);

    public PrometheusText(string meterName)
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == meterName)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();
    }

    /// <summary>The present values.</summary>
    public string Write()
    {
        listener.RecordObservableInstruments();
        var text = new StringBuilder();
        lock (gate)
        {
            foreach (var (name, family) in families)
            {
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {Escape(family.Help)}\n# TYPE {name} {family.Type}\n");
                foreach (var (labels, series) in family.Series)
                {
                    family.Write(text, name, labels, series);
                }
            }
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, tag) in tags)
        {
            labels.Append(labels.Length > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"{Plain(key)}=\"{Escape(tag?.ToString() ?? "")}\"");
        }

        lock (gate)
        {
            var family = Family.Of(instrument);
            var name = NameOf(instrument, family.Type);
            family = families.TryGetValue(name, out var known) ? known : families[name] = family;
            family.Add(labels.ToString(), value);
        }
    }

    private static string NameOf(Instrument instrument, string type)
    {
        var unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        var name = Plain(instrument.Name);
        return (name.EndsWith(unit, StringComparison.Ordinal) ? name : name + unit) + (type == "counter" ? "_total" : "");
    }

    private static string Plain(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    private sealed class Family(string type, string help, double[] bounds, bool accumulates)
    {
        public string Type { get; } = type;

        public string Help { get; } = help;

        public SortedDictionary<string, Series> Series { get; } = new(StringComparer.Ordinal);

        public static Family Of(Instrument instrument)
        {
            var help = instrument.Description ?? instrument.Name;
            var kind = instrument.GetType().Name;
            return kind.StartsWith("Histogram", StringComparison.Ordinal)
                ? new Family("histogram", help, (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries?.ToArray() ?? defaultBounds, accumulates: true)
                : kind.StartsWith("Counter", StringComparison.Ordinal) ? new Family("counter", help, [], accumulates: true)
                : kind.StartsWith("ObservableCounter", StringComparison.Ordinal) ? new Family("counter", help, [], accumulates: false)
                : new Family("gauge", help, [], accumulates: kind.StartsWith("UpDown", StringComparison.Ordinal));
        }

        public void Add(string labels, double value)
        {
            var series = Series.TryGetValue(labels, out var known) ? known : Series[labels] = new Series(new long[bounds.Length]);
            series.Sum = accumulates ? series.Sum + value : value;
            series.Count++;
            for (var i = 0; i < bounds.Length; i++)
            {
                series.Buckets[i] += value <= bounds[i] ? 1 : 0;
            }
        }

        public void Write(StringBuilder text, string name, string labels, Series series)
        {
            var all = labels.Length > 0 ? $"{{{labels}}}" : "";
            if (Type != "histogram")
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}{all} {series.Sum}\n");
                return;
            }

            var more = labels.Length > 0 ? labels + "," : "";
            for (var i = 0; i < bounds.Length; i++)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{more}le=\"{bounds[i]}\"}} {series.Buckets[i]}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{more}le=\"+Inf\"}} {series.Count}\n{name}_sum{all} {series.Sum}\n{name}_count{all} {series.Count}\n");
        }
    }

    private sealed class Series(long[] buckets)
    {
        public long[] Buckets { get; } = buckets;

        public double Sum { get; set; }

        public long Count { get; set; }
    }
}
