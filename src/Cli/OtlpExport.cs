using MiniMaxSharp.Inference;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MiniMaxSharp.Cli;

/// <summary>Sends traces and metrics to an OpenTelemetry collector (OTLP over HTTP with protobuf). What is still held is sent when it ends.</summary>
internal sealed class OtlpExport : IDisposable
{
    private const string Name = "MiniMaxSharp"; // The library's activity source and meter.
    private const int MetricsInterval = 10_000;
    private readonly TracerProvider tracer;
    private readonly MeterProvider meter;

    /// <summary>Sends to the collector at <paramref name="endpoint"/> from now on. Dispose of it before the server, whose gauges end with it.</summary>
    public OtlpExport(Uri endpoint)
    {
        var resource = ResourceBuilder.CreateDefault().AddService("minimax", serviceVersion: typeof(OtlpExport).Assembly.GetName().Version?.ToString());

        // The span of the HTTP request is the parent of the generation's; without it nothing would be sampled.
        tracer = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Name, "Microsoft.AspNetCore")
            .AddOtlpExporter(options => Set(options, endpoint, "v1/traces")).Build();
        meter = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Name)
            .AddOtlpExporter((options, reader) =>
            {
                Set(options, endpoint, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = MetricsInterval;
            }).Build();
    }

    /// <summary>Reads the address of a collector; null when there is none.</summary>
    /// <exception cref="InvalidInputException">It is no HTTP address.</exception>
    public static Uri? ReadEndpoint(string? endpoint) => endpoint is null ? null
        : Uri.TryCreate(endpoint.TrimEnd('/') + "/", UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
        : throw new InvalidInputException($"--otlp {endpoint} is no HTTP address; give that of a collector, such as http://127.0.0.1:4318.");

    /// <inheritdoc/>
    public void Dispose()
    {
        tracer.Dispose();
        meter.Dispose();
    }

    private static void Set(OtlpExporterOptions options, Uri endpoint, string path)
    {
        options.Protocol = OtlpExportProtocol.HttpProtobuf;
        options.Endpoint = new Uri(endpoint, path);
    }
}
